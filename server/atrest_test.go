package server

import (
	"runtime"
	"slices"
	"testing"

	"pumpd/server/clock"
)

// What loops tell each other while they come to a standstill is known when all of them stand still, whichever was the
// first to do so: here one is told something in the same turn in which it stands still, and answers.
func TestNothingIsUnsaidAtRest(t *testing.T) {
	t.Parallel()
	n := &node{}
	for range 2 {
		wake := make(chan struct{}, 1)
		l := &loop{clock: clock.New(), poke: func() { wake <- struct{}{} }}
		n.loops = append(n.loops, l)
		go func() {
			for range wake {
				l.pending.Store(false)
				l.box.open(l.clock.Now())
			}
		}()
	}
	first, second := n.loops[0], n.loops[1]
	var said []string
	say := func(s string) { said = append(said, s) }
	begun := make(chan struct{})
	first.tell(func(clock.Instant) {
		close(begun)
		for first.box.newest.Load() == nil { // until it is told to stand still
			runtime.Gosched()
		}
		first.tell(func(clock.Instant) {
			say("to the first")
			second.tell(func(clock.Instant) {
				say("to the second")
				first.tell(func(clock.Instant) { say("to the first again") })
			})
		})
	})
	<-begun
	rest, err := n.rest()
	if err != nil {
		t.Fatal(err)
	}
	defer rest.goOn()
	if err := rest.settle(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"to the first", "to the second", "to the first again"}; !slices.Equal(said, want) {
		t.Errorf("they said %q, want %q", said, want)
	}
}
