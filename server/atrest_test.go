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
	n := twoLoops(t)
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
	rest.settle()
	if want := []string{"to the first", "to the second", "to the first again"}; !slices.Equal(said, want) {
		t.Errorf("they said %q, want %q", said, want)
	}
}

// twoLoops have nothing but their mailboxes, and turn until the test is over, whatever they are told.
func twoLoops(t *testing.T) *node {
	n := &node{}
	for range 2 {
		wake := make(chan struct{}, 1)
		l := &loop{clock: clock.New(), poke: func() { wake <- struct{}{} }}
		n.loops = append(n.loops, l)
		go func() {
			for {
				select {
				case <-wake:
					l.pending.Store(false)
					l.box.open(l.clock.Now())
				case <-t.Context().Done():
					return
				}
			}
		}()
	}
	return n
}

// Somebody tells a loop more whenever it has made a call, as the watcher does where viewers are slow: that is no reason
// to stand still for ever, or to give up.
func TestRestThoughSomebodyGoesOn(t *testing.T) {
	t.Parallel()
	n := twoLoops(t)
	rest, err := n.rest()
	if err != nil {
		t.Fatal(err)
	}
	l := n.loops[0]
	told := 0
	var more func(clock.Instant)
	more = func(clock.Instant) {
		told++
		l.tell(more)
	}
	l.tell(more)
	rest.settle()
	if told == 0 {
		t.Error("nobody was told anything")
	}
	rest.goOn()
}

// While loops come to a standstill one encoder takes over from another: when they are settled it has the stream, and
// nobody waits for that.
func TestTakeoverIsOverAtRest(t *testing.T) {
	r := newRig(t, nil, "a")
	first := startedPush(r)
	first.push(3)
	second := startedPush(r)
	st := r.reg.Streams()[0]
	if !st.Export().Contested() {
		t.Fatal("nobody waits for the stream")
	}
	for passes := 0; r.loop.catchUp(r.at); passes++ {
		if passes == settlePasses {
			t.Fatal("the loop does not come to its end")
		}
	}
	if st.Export().Contested() || second.conn.push.state != pushFeeding || !first.fin {
		t.Errorf("contested %v, the second is in state %d, the first has been told to go %v", st.Export().Contested(),
			second.conn.push.state, first.fin)
	}
}
