package standstill

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A task that pauses for a second at a time, and says how each pause ended.
func ticking(ctx context.Context, s *Signal, n *atomic.Int64) (ended chan struct{}, err *error) {
	ended, err = make(chan struct{}), new(error)
	go func() {
		defer close(ended)
		for *err == nil {
			if *err = s.Pause(ctx, time.Second, func() State { return State{Snapshot: n.Load(), FD: 7} }); *err == nil {
				n.Add(1)
			}
		}
	}()
	return ended, err
}

// What stands still does nothing until it may go on, and then what it would have done.
func TestStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := NewSignal(), new(atomic.Int64)
		ctx, stop := context.WithCancel(t.Context())
		ended, result := ticking(ctx, s, n)
		for round := range 3 {
			time.Sleep(2500 * time.Millisecond)
			if err := s.Park(ctx, ended); err != nil {
				t.Fatal(err)
			}
			before := n.Load()
			time.Sleep(time.Minute)
			synctest.Wait()
			if n.Load() != before || s.State() != (State{before, 7}) {
				t.Errorf("round %d: at %d, then at %d with state %v", round, before, n.Load(), s.State())
			}
			s.GoOn()
			s.GoOn() // is nothing
			synctest.Wait()
			if n.Load() != before+1 {
				t.Errorf("round %d: goes on to %d, want the pause over that was due, at %d", round, n.Load(), before+1)
			}
		}
		stop()
		<-ended
		if !errors.Is(*result, context.Canceled) {
			t.Errorf("ends with %v", *result)
		}
	})
}

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := NewSignal(), new(atomic.Int64)
		ended, result := ticking(t.Context(), s, n)
		if err := s.Park(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
		s.Leave()
		<-ended
		if !errors.Is(*result, ErrLeft) || n.Load() != 0 {
			t.Errorf("ends with %v at %d, want %v", *result, n.Load(), ErrLeft)
		}
		if err := s.Park(t.Context(), ended); err != nil || s.State() != Nothing {
			t.Errorf("what has ended: %v, state %v", err, s.State())
		}
	})
}

// Who does not come to a stand in time is not held up by it afterwards.
func TestParkTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ended := NewSignal(), make(chan struct{})
		go func() {
			defer close(ended)
			time.Sleep(2 * time.Second) // busy, and not asked yet
			h := <-s.Asked()
			time.Sleep(2 * time.Second) // busy
			select {
			case <-h.Over():
			default:
				t.Error("it is not said that the time is over")
			}
			if err := h.Stand(t.Context(), Nothing); err != nil {
				t.Error(err)
			}
		}()
		for wait, long := range []time.Duration{time.Second, 2 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), long)
			if err := s.Park(ctx, ended); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("park %d: %v", wait, err)
			}
			cancel()
			s.GoOn()
		}
		<-ended
	})
}

// Nobody needs a Signal to pause.
func TestPauseWithoutSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if err := (*Signal)(nil).Pause(t.Context(), time.Second, nil); err != nil || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
