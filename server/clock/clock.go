// Package clock has instants, which tests can set, and pauses. Nothing in it changes: a Clock and an Instant are values
// that any goroutine may use.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// An Instant is a moment as nanoseconds since the server started. It never jumps with the wall clock, is a third of the
// size of a time.Time, and every decision in a loop takes it as an argument, so that tests need no sleeping.
type Instant int64

// Add is the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Since is the time that had passed from u to t.
func (t Instant) Since(u Instant) time.Duration { return time.Duration(t - u) }

// Before says whether t is earlier than u.
func (t Instant) Before(u Instant) bool { return t < u }

// A Clock tells the instants of one server.
type Clock struct {
	Now func() Instant // any goroutine
}

// New makes a clock that begins at 0 now.
func New() Clock {
	started := time.Now()
	return Clock{func() Instant { return Instant(time.Since(started)) }}
}

// ThreadTime is the CPU time that the calling thread has used.
func ThreadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // fails only for clocks that do not exist
	return time.Duration(t.Nano())
}
