package server

import (
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
)

// overload has sockets of another loop tell for so long that the line is full, with a megabyte a second. newest are its
// newest viewers.
func (r *rig) overload(d time.Duration, newest ...clock.Instant) {
	for range d / (250 * time.Millisecond) {
		r.pass(250 * time.Millisecond)
		r.loop.node.line.Report(1, line.Report{Viewers: 10, Witnesses: 10, Pressed: 10, Given: 2e6, Delivered: 1e6,
			Newest: newest}, r.at)
	}
}

// While the line is full nobody comes in; when it is not any more, what it was found to carry is what there is room
// for.
func TestFullLineRefuses(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Uplink = config.Uplink{Auto: true} }, "a")
	log := r.listen()
	f := r.feeder(0, 320)
	f.publish(1)
	if got := r.watch("a", ffmpegAgent).status(); !strings.Contains(got, "200") {
		t.Fatal(got)
	}
	r.overload(2 * time.Second)
	if got := string(r.watch("a", ffmpegAgent).got); !strings.Contains(got, " 503 ") || !strings.Contains(got, "(line)") {
		t.Errorf("got %q", got)
	}
	log.Has(t, "WARN the line is full, newcomers are refused", "carries=8Mbit")
	r.pass(5 * time.Second)
	r.turn()
	for range 12 {
		r.loop.node.line.Report(1, line.Report{Viewers: 10, Witnesses: 10}, r.at)
		r.pass(250 * time.Millisecond)
	}
	if got := r.watch("a", ffmpegAgent).status(); !strings.Contains(got, "200") {
		t.Error(got)
	}
	if v := r.loop.node.ledger.View(); v.Usable != 7_600_000 {
		t.Errorf("%d bit/s for viewers, want what was found less the reserve", v.Usable)
	}
	log.Has(t, "INFO the line is not full any more")
}

// Who is ended for want of line is reset: what the kernel holds for it must not go out. Those before it stay.
func TestNewestViewersAreEnded(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Uplink = config.Uplink{Auto: true} }, "a")
	log := r.listen()
	f := r.feeder(0, 320)
	f.publish(1)
	first := r.watch("a", ffmpegAgent)
	r.pass(time.Second)
	second := r.watch("a", ffmpegAgent)
	r.loop.node.line.Demand(900e3) // with the two just more than viewers may take
	r.overload(1500 * time.Millisecond)
	for range 4 {
		r.overload(250*time.Millisecond, clock.Instant(time.Second)+1)
		r.turn()
	}
	if !second.gone || !second.reset || first.gone {
		t.Errorf("the newest: gone %v, reset %v; the other: gone %v", second.gone, second.reset, first.gone)
	}
	log.Has(t, "INFO viewer left", "reason=uplink")
	if n := r.seats(); n != 1 {
		t.Errorf("%d seats, want 1", n)
	}
}

// An uplink that comes by a reload counts at once, and when it goes again nothing is left of it.
func TestReloadUplink(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	r.change(func(c *config.Config) { c.Server.Uplink.Rate = 20e6 })
	if got := r.node.line.View(); got.Configured != 2_500_000 || got.Carries != 2_500_000 {
		t.Errorf("got %+v", got)
	}
	r.change(func(c *config.Config) { c.Server.Uplink.Rate = 0 })
	if got := r.node.line.View(); got.Configured != 0 || got.Carries != 0 {
		t.Errorf("got %+v", got)
	}
}
