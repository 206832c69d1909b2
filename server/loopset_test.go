package server

import (
	"slices"
	"testing"
	"time"
)

func TestLoopSet(t *testing.T) {
	var s loopSet
	in := func() (ids []int) {
		s.each(func(id int) { ids = append(ids, id) })
		return ids
	}
	for _, id := range []int{255, 0, 64, 63} {
		s.add(id)
	}
	if got, want := in(), []int{0, 63, 64, 255}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	s.add(63)
	s.remove(64)
	s.remove(1)
	if got, want := in(), []int{0, 63, 255}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A packet rings the loops that have viewers of its stream, or hold some, and no others.
func TestOnlyLoopsWithViewersAreRung(t *testing.T) {
	r := newRig(t, func(c *Config) {
		for i := range c.Streams {
			c.Streams[i].Hold = Duration(time.Minute)
		}
	}, "a", "b")
	rung := func(st *stream) (n int) {
		st.loops.each(func(int) { n++ })
		return n
	}
	a, b := r.reg.streams[0], r.reg.streams[1]
	check := func(when string, wantA, wantB int) {
		t.Helper()
		if rung(a) != wantA || rung(b) != wantB {
			t.Errorf("%s: %d and %d loops are rung, want %d and %d", when, rung(a), rung(b), wantA, wantB)
		}
	}
	check("nobody is there", 0, 0)
	held := r.watch("a", ffmpegAgent)
	check("one waits", 1, 0)
	r.feeder(0, 320).publish(1)
	r.turn()
	other := r.watch("a", ffmpegAgent)
	check("two watch", 1, 0)
	held.hangUp()
	check("one watches", 1, 0)
	other.hangUp()
	check("they have left", 0, 0)
	waits := r.watch("b", ffmpegAgent)
	check("one waits for the other stream", 0, 1)
	waits.hangUp()
	check("and has left", 0, 0)
}
