package server

import (
	"testing"
	"time"

	"pumpd/server/config"
	"pumpd/server/tally"
)

// The time to the first byte is that of the request, also for who waits for the stream.
func TestFirstByte(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].Hold = config.Duration(time.Minute) }, "a")
	r.loop.stats.firstByte = tally.New(1, 10)
	r.watch("a", ffmpegAgent)
	r.pass(5 * time.Second)
	f := r.feeder(0, 320)
	f.publish(1)
	r.turn()
	r.watch("a", ffmpegAgent)
	if got := r.loop.stats.firstByte.View(); got.Count != 2 || got.Upto[1] != 1 || got.Upto[10] != 2 {
		t.Errorf("got %+v, want one at once and one of 5 s", got)
	}
	if len(r.loop.since) != 0 {
		t.Errorf("%d are still waited for", len(r.loop.since))
	}
}

// Refusals are counted by status, for the stream where there is one.
func TestRefusalsAreCounted(t *testing.T) {
	r := newRig(t, nil, "a")
	for _, request := range []string{"GET /streams/a", "GET /streams/none", "PUT /streams/a", "GET /streams/a_push"} {
		r.connect().say(request + " HTTP/1.0\r\n\r\n")
	}
	check := func(s *tally.Statuses, want map[string]uint64) {
		t.Helper()
		s.All(func(status string, n uint64) {
			if n != want[status] {
				t.Errorf("%s: %d, want %d", status, n, want[status])
			}
		})
	}
	check(&r.reg.Streams()[0].Stats().Refused, map[string]uint64{"503": 1, "405": 2})
	check(&r.loop.stats.refused, map[string]uint64{"404": 1})
}
