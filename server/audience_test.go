package server

import (
	"testing"
	"time"

	"pumpd/server/config"
)

// A packet rings the loops that have viewers of its stream, or hold some, and no others.
func TestOnlyLoopsWithViewersAreRung(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		for i := range c.Streams {
			c.Streams[i].Hold = config.Duration(time.Minute)
		}
	}, "a", "b")
	f := r.feeder(0, 320)
	check := func(when string, want bool) {
		t.Helper()
		before := r.rung
		f.publish(1)
		if rung := r.rung > before; rung != want {
			t.Errorf("%s: the loop is rung: %v, want %v", when, rung, want)
		}
	}
	held, other := r.watch("a", ffmpegAgent), r.watch("b", ffmpegAgent)
	check("one waits", true)
	r.turn()
	check("one watches", true)
	second := r.watch("a", ffmpegAgent)
	held.hangUp()
	check("another watches", true)
	second.hangUp()
	check("they have left, one waits for the other stream", false)
	f = r.feeder(1, 320)
	check("one waits", true)
	other.hangUp()
	check("and has left", false)
}
