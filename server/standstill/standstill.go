// Package standstill has what feeds a stream, or pushes it on, stand still for as long as it takes to give it to
// another process, or to see that this cannot be. Each task has a Signal; the server asks all of them, and tells each
// what has become of it:
//
//	the server            the task
//	Park      ── Halt ─▶  comes to a place where nothing is half done
//	          ◀────────   Stand, with what another process needs to go on
//	GoOn      ────────▶   goes on as if nothing was
//	or Leave  ────────▶   ends at once and without a word: its stream goes on elsewhere
package standstill

import (
	"context"
	"errors"
	"time"
)

// A Signal is by what one task is asked. Park, State, GoOn and Leave are one goroutine's, Asked and Pause the task's. A
// nil one never asks.
type Signal struct {
	halts chan *Halt

	// The goroutine's that asks.
	halt *Halt // that the task stands by or has been given; nil: none
}

// NewSignal is for one task.
func NewSignal() *Signal { return &Signal{halts: make(chan *Halt)} }

// A Halt is one time that a task is to stand still.
type Halt struct {
	parked chan struct{} // closed when it does
	state  State         // then
	over   chan struct{} // closed when it need not any more
	left   bool          // then: the task has been moved
}

// A State is what another process needs to go on with a task, while that stands still.
type State struct {
	Snapshot any // for gob; nil: it begins anew there
	FD       int // of its socket, which stays the task's; -1: it has none, or it is not moved
}

// Nothing is the state of a task that begins anew elsewhere.
var Nothing = State{FD: -1}

// Park returns when the task stands still or has ended, or with the error of ctx. Then too GoOn must follow, or Leave.
func (s *Signal) Park(ctx context.Context, ended <-chan struct{}) error {
	h := &Halt{parked: make(chan struct{}), state: Nothing, over: make(chan struct{})}
	select {
	case s.halts <- h:
		s.halt = h
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-h.parked:
	case <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// State is what a task that Park has returned for has left.
func (s *Signal) State() State {
	if s.halt == nil {
		return Nothing
	}
	return s.halt.state
}

// GoOn lets the task go on.
func (s *Signal) GoOn() { s.end(false) }

// Leave tells the task that it goes on in another process.
func (s *Signal) Leave() { s.end(true) }

func (s *Signal) end(left bool) {
	if h := s.halt; h != nil {
		s.halt, h.left = nil, left
		close(h.over)
	}
}

// Asked gives the task a Halt when it is to stand still.
func (s *Signal) Asked() <-chan *Halt {
	if s == nil {
		return nil
	}
	return s.halts
}

// ErrLeft is the end of a task that goes on in another process.
var ErrLeft = errors.New("it goes on in another process")

// Stand is for the task where it may stand still: it waits until it may go on (nil, or the error of ctx), or has been
// moved (ErrLeft). The end of ctx alone lets nobody go on: whoever has been told that a task stands still describes its
// stream, which a task that ends would let go of.
func (h *Halt) Stand(ctx context.Context, s State) error {
	h.state = s
	close(h.parked)
	<-h.over
	if h.left {
		return ErrLeft
	}
	return ctx.Err()
}

// Over is closed when the task need not stand still any more, or not even come to where it can.
func (h *Halt) Over() <-chan struct{} { return h.over }

// Pause waits, and stands still meanwhile if it is asked to, with what state gives; the pause goes on after that. It is
// cut short by the end of ctx, with its error, and where the task has been moved, with ErrLeft.
func (s *Signal) Pause(ctx context.Context, d time.Duration, state func() State) error {
	t := time.NewTimer(max(0, d))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		case h := <-s.Asked():
			if err := h.Stand(ctx, state()); err != nil {
				return err
			}
		}
	}
}
