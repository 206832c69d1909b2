package fanout

import (
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

func TestMerged(t *testing.T) {
	auto, fixed := config.Merge{Auto: true}, config.Merge{Interval: config.Duration(100 * time.Millisecond)}
	for _, c := range []struct {
		merge      config.Merge
		cost, want time.Duration
	}{
		{fixed, 0, 100 * time.Millisecond},
		{fixed, time.Second, 100 * time.Millisecond},
		{config.Merge{}, time.Second, 0},
		{auto, 0, 0},
		{auto, 20 * time.Microsecond, 500 * time.Microsecond},
		{auto, 2 * time.Millisecond, 50 * time.Millisecond},
		{auto, 14 * time.Millisecond, 140 * time.Millisecond},
		{auto, 45 * time.Millisecond, 250 * time.Millisecond},
		{auto, 175 * time.Millisecond, 250 * time.Millisecond}, // 70 % of a loop
		{auto, 350 * time.Millisecond, 500 * time.Millisecond},
		{auto, 700 * time.Millisecond, time.Second},
		{auto, 2 * time.Second, time.Second},
	} {
		if got := waitOf(c.merge, c.cost).Round(time.Microsecond); got != c.want {
			t.Errorf("%+v at %v: %v, want %v", c.merge, c.cost, got, c.want)
		}
	}
}

func TestCostOf(t *testing.T) {
	const ms = time.Millisecond
	cost, rounds := time.Duration(0), 0
	for ; cost < 12*ms; rounds++ {
		cost = costOf(cost, 15*ms)
	}
	if rounds > 12 {
		t.Errorf("a crowd of 2,000 is seen after %d rounds, want 12 at the most", rounds)
	}
	if got := costOf(10*ms, time.Second); got > 20*ms {
		t.Errorf("after one round of a second: %v, want 20 ms at the most", got)
	}
	for i := range 100 {
		cost = costOf(cost, []time.Duration{6 * ms, 18 * ms}[i%2])
	}
	if cost < 10*ms || cost > 14*ms {
		t.Errorf("rounds of 6 and 18 ms: %v, want 12 ms", cost)
	}
	for rounds = 0; cost > ms; rounds++ {
		cost = costOf(cost, 0)
	}
	if rounds > 10 {
		t.Errorf("a crowd that has gone is forgotten after %d rounds, want 10 at the most", rounds)
	}
}

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	auto, fixed := config.Merge{Auto: true}, config.Merge{Interval: config.Duration(100 * time.Millisecond)}
	for _, c := range []struct {
		merge     config.Merge
		cost, gap time.Duration
		want      pace
	}{
		{fixed, 6 * ms, 40 * ms, pace{100 * ms, 100 * ms, 0}},
		{config.Merge{}, 6 * ms, 40 * ms, pace{}},
		{auto, 0, 0, pace{}},
		{auto, 6 * ms, 0, pace{91652 * time.Microsecond, 91652 * time.Microsecond, 0}},
		{auto, 6 * ms, 40 * ms, pace{71652 * time.Microsecond, 111652 * time.Microsecond, settleTime}},
		{auto, ms, 40 * ms, pace{25 * ms, 25 * ms, 0}}, // each burst has a round of its own
		{auto, 2 * ms, 40 * ms, pace{30 * ms, 70 * ms, 0}},
		{auto, 20 * ms, 40 * ms, pace{147332 * time.Microsecond, 187332 * time.Microsecond, settleTime}},
		{auto, 21 * ms, 40 * ms, pace{171464 * time.Microsecond, 171464 * time.Microsecond, 0}}, // takes too long
		{auto, 50 * ms, 100 * ms, pace{200 * ms, maxMerge, settleTime}},
		{auto, time.Second, 40 * ms, pace{maxFullMerge, maxFullMerge, 0}},
		{auto, 210 * ms, 500 * ms, pace{300 * ms, 300 * ms, 0}},
	} {
		got := paceOf(c.merge, c.cost, c.gap)
		got.due, got.latest = got.due.Round(time.Microsecond), got.latest.Round(time.Microsecond)
		if got != c.want {
			t.Errorf("%+v, cost %v, gap %v: %v, want %v", c.merge, c.cost, c.gap, got, c.want)
		}
	}
}

func TestBeat(t *testing.T) {
	var b beat
	at := clock.Instant(time.Hour)
	for range 100 { // frames of three packets, at 25 a second
		for i := range 3 {
			b.came(at.Add(time.Duration(i) * time.Millisecond))
		}
		at = at.Add(40 * time.Millisecond)
	}
	if b.gap != 40*time.Millisecond {
		t.Errorf("gap %v, want 40ms", b.gap)
	}
	at = at.Add(time.Minute)
	b.came(at)
	b.came(at.Add(20 * time.Millisecond))
	if b.gap < 35*time.Millisecond || b.gap >= 40*time.Millisecond {
		t.Errorf("gap %v after a pause and one of 20 ms, want a little less than 40ms", b.gap)
	}
}

// With auto a round begins with a packet that comes near its time, and waits for what comes with it.
func TestRoundBeginsWithAPacket(t *testing.T) {
	const ms = time.Millisecond
	r := newRig(t, func(c *config.Config) { c.Server.Merge = config.Merge{Auto: true} })
	f := r.feeder(320)
	f.publish(1)
	p := r.watch(ffmpegAgent)
	r.hub.now = r.at
	r.hub.cost = 6 * ms
	r.hub.paced(6*ms, &turnout{served: 1, gap: 40 * ms}) // due after 72 ms, at the latest after 112
	r.turn()
	r.kicks = 0
	start, had := r.at, len(p.got)
	for _, c := range []struct {
		at    time.Duration
		kicks int // by then
		sent  bool
	}{
		{40 * ms, 0, false},
		{80 * ms, 1, false}, // waits for the rest
		{81 * ms, 1, false},
		{82 * ms, 2, true},
	} {
		r.at = start.Add(c.at)
		f.publish(1)
		r.at = start.Add(c.at)
		r.hub.Bell(r.at)
		if r.kicks != c.kicks {
			t.Fatalf("%d kicks at %v, want %d", r.kicks, c.at, c.kicks)
		}
		if r.pending {
			r.turn()
		}
		if sent := len(p.got) > had; sent != c.sent {
			t.Errorf("sent %v at %v, want %v", sent, c.at, c.sent)
		}
	}
	if n := len(r.read(p.body()).numbers); n != 5 {
		t.Errorf("%d packets, want 5", n)
	}
}

// A hub wakes its loop at once while it is free, and once, later, while it waits for its next round.
func TestBell(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Server.Merge = config.Merge{Interval: config.Duration(100 * time.Millisecond)}
	})
	f := r.feeder(320)
	f.publish(1)
	r.watch(ffmpegAgent)
	f.publish(1)
	r.hub.Bell(r.at)
	r.hub.Bell(r.at)
	if r.kicks != 1 {
		t.Fatalf("%d kicks for two bells before the first round, want 1", r.kicks)
	}
	r.turn()
	if due := clock.Instant(r.hub.due.Load()); due != r.at.Add(100*time.Millisecond) {
		t.Errorf("next round at %d, want %d", due, r.at.Add(100*time.Millisecond))
	}
	r.hub.Bell(r.at)
	if r.kicks != 1 || !r.hub.alarmed.Load() {
		t.Errorf("%d kicks, alarm %v; want the alarm to be set instead", r.kicks, r.hub.alarmed.Load())
	}
	r.hub.ring()
	if r.kicks != 2 {
		t.Errorf("%d kicks after the alarm, want 2", r.kicks)
	}
}
