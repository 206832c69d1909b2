package server

import (
	"errors"
	"slices"
	"time"

	"pumpd/server/clock"
)

// Loops at rest do nothing of their own: each stands still inside one call, between two of gnet's
// callbacks, and makes the calls that it is handed until it may go on:
//
//	rest ── tell ─▶ loop: here ─▶ call, call, … ─▶ goOn
//
// So what loops own stays theirs. A loop that has never had a connection has no goroutine of its own that would make a
// call, and nothing that could move; should it get its first one now, that waits.
type atRest struct {
	loops []*stillLoop
	idle  []*stillLoop // those that have never had a connection
}

// A stillLoop is one of them.
type stillLoop struct {
	*loop
	here  chan struct{} // closed when it stands still
	calls chan func(now clock.Instant)
}

// standstillTime is how long loops may take to come to a standstill: many times what the longest round takes.
const standstillTime = 2 * time.Second

var errNoStandstill = errors.New("an event loop does not turn")

// rest returns when all loops stand still, or with an error, and they go on.
func (n *node) rest() (*atRest, error) {
	s := &atRest{}
	for _, l := range n.loops {
		still := &stillLoop{l, make(chan struct{}), make(chan func(clock.Instant))}
		runs := l.turned.Load() != 0
		l.tell(still.stand)
		if runs {
			s.loops = append(s.loops, still)
		} else {
			s.idle = append(s.idle, still)
		}
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
	for _, l := range slices.Concat(s.loops, s.idle) {
		close(l.calls)
	}
	s.loops, s.idle = nil, nil
}
