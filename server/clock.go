package server

import (
	"time"

	"golang.org/x/sys/unix"
)

// An instant is a moment as nanoseconds since the server started. It never jumps with the wall clock, is a third of the
// size of a time.Time, and every decision in a loop takes it as an argument, so that tests need no sleeping.
type instant int64

func (t instant) add(d time.Duration) instant   { return t + instant(d) }
func (t instant) since(u instant) time.Duration { return time.Duration(t - u) }
func (t instant) before(u instant) bool         { return t < u }

// A clock tells the instants of one server.
type clock struct{ now func() instant }

func newClock() clock {
	started := time.Now()
	return clock{func() instant { return instant(time.Since(started)) }}
}

// threadTime is the CPU time that the calling thread has used.
func threadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // fails only for clocks that do not exist
	return time.Duration(t.Nano())
}
