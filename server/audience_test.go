package server

import (
	"testing"
	"time"
)

// A packet rings the loops that have viewers of its stream, or hold some, and no others.
func TestOnlyLoopsWithViewersAreRung(t *testing.T) {
	r := newRig(t, func(c *Config) {
		for i := range c.Streams {
			c.Streams[i].Hold = Duration(time.Minute)
		}
	}, "a", "b")
	f := r.feeder(0, 320)
	check := func(when string, want int) {
		t.Helper()
		if f.publish(1); r.rung != want {
			t.Errorf("%s: %d loops are rung, want %d", when, r.rung, want)
		}
	}
	held, other := r.watch("a", ffmpegAgent), r.watch("b", ffmpegAgent)
	check("one waits", 1)
	r.turn()
	check("one watches", 1)
	second := r.watch("a", ffmpegAgent)
	held.hangUp()
	check("another watches", 1)
	second.hangUp()
	check("they have left, one waits for the other stream", 0)
	f = r.feeder(1, 320)
	check("one waits", 1)
	other.hangUp()
	check("and has left", 0)
}
