// Package clock has instants, which tests can set, and pauses. Nothing in it changes: a Clock and an Instant are values
// that any goroutine may use.
package clock

import (
	"fmt"
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

// Monotonic is what the kernel's monotonic clock shows, in ns. All processes of a machine see the same one.
func Monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // fails only for clocks that do not exist
	return t.Nano()
}

// Resume makes a clock that goes on with that of another process, which showed now just after Monotonic was mono there.
// It is never behind that.
func Resume(now Instant, mono int64) (Clock, error) {
	started := time.Now()
	passed := Monotonic() - mono
	if now < 0 || now > latestInstant || mono < 0 || passed < 0 {
		return Clock{}, fmt.Errorf("clock: %d at %d ns of the kernel's, which shows %d, limit %d", now, mono, mono+passed,
			latestInstant)
	}
	now = now.Add(time.Duration(passed))
	return Clock{func() Instant { return now.Add(time.Since(started)) }}, nil
}

// latestInstant is a hundred years.
const latestInstant = Instant(100 * 365 * 24 * time.Hour)

// ThreadTime is the CPU time that the calling thread has used.
func ThreadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // fails only for clocks that do not exist
	return time.Duration(t.Nano())
}
