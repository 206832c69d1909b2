package server

import (
	"errors"
	"time"

	"pumpd/server/clock"
)

// Loops at rest do nothing of their own: each stands still inside one call, between two of gnet's
// callbacks, and makes the calls that it is handed until it may go on:
//
//	rest ── tell ─▶ loop: here ─▶ call, call, … ─▶ goOn
//
// So what loops own stays theirs, and connections that come meanwhile stay in the kernel's queues. That takes all of
// gnet's loops, also those that have never had a connection: see introduce.
type atRest struct{ loops []*stillLoop }

// A stillLoop is one of them.
type stillLoop struct {
	*loop
	here  chan struct{} // closed when it stands still
	calls chan func(now clock.Instant)
}

// standstillTime is how long loops may take to come to a standstill: many times what the longest round takes.
const standstillTime = 2 * time.Second

// settlePasses are many times what it takes until nobody has left a call for a loop that stands still.
const settlePasses = 100

var errNoStandstill = errors.New("an event loop does not turn")

// rest returns when all loops stand still, or with an error, and they go on.
func (n *node) rest() (*atRest, error) {
	s := &atRest{}
	for _, l := range n.loops {
		still := &stillLoop{l, make(chan struct{}), make(chan func(clock.Instant))}
		l.tell(still.stand)
		s.loops = append(s.loops, still)
	}
	late := time.NewTimer(standstillTime)
	defer late.Stop()
	for _, l := range s.loops {
		select {
		case <-l.here:
		case <-late.C:
			s.goOn()
			return nil, errNoStandstill
		}
	}
	return s, nil
}

// stand is what the loop does meanwhile.
func (l *stillLoop) stand(clock.Instant) {
	close(l.here)
	for call := range l.calls {
		call(l.clock.Now())
		l.turned.Store(int64(l.clock.Now())) // it lives, and whoever watches over it is told so
	}
}

// settle has the loops make the calls that were left for them while they came to a standstill, and those that these
// lead to: that an encoder must go, and then that the next one has its stream. They would be lost where all that the
// loops own goes to another process. Others than the loops, of which sockets have room, say, may leave calls all the
// time; those do no harm when they are never made.
func (s *atRest) settle() {
	for range settlePasses {
		some := false
		s.each(func(l *loop, now clock.Instant) { some = l.catchUp(now) || some })
		if !some {
			return
		}
	}
}

// catchUp makes the calls that are there, and ends who is to go by then; some: there was anything of that.
func (l *loop) catchUp(now clock.Instant) (some bool) {
	l.now = now
	some = l.box.open(now)
	if len(l.leaving) > 0 {
		some = true
		l.sweep(now)
		l.serving = true // again, for the callback in which the loop stands still is not over
	}
	return some
}

// each has every loop make a call, one after the other, and returns when the last one has.
func (s *atRest) each(call func(l *loop, now clock.Instant)) {
	for _, l := range s.loops {
		done := make(chan struct{})
		l.calls <- func(now clock.Instant) {
			defer close(done)
			call(l.loop, now)
		}
		<-done
	}
}

// goOn ends it.
func (s *atRest) goOn() {
	for _, l := range s.loops {
		close(l.calls)
	}
	s.loops = nil
}
