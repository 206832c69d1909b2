package e2e

import (
	"sort"
	"sync"
	"time"
)

// starvation is for how long this process, and so the programs that it has started too, got no time from a machine that
// has much else to do: a goroutine that wants nothing but to wake up now and then knows by how much it was late. What
// happens in real time may be late by as much, and twice that, for there are programs behind each other.
var starvation starved

type starved struct {
	mu   sync.Mutex
	seen []shortage
}

// A shortage is by how much the goroutine was late at a moment, and at all moments before it.
type shortage struct {
	at    time.Time
	total time.Duration
}

// measure never returns.
func (s *starved) measure() {
	const pause, usual = 10 * time.Millisecond, 2 * time.Millisecond
	total := time.Duration(0)
	for before := time.Now(); ; {
		time.Sleep(pause)
		now := time.Now()
		if late := now.Sub(before) - pause; late > usual {
			total += late
			s.mu.Lock()
			s.seen = append(s.seen, shortage{now, total})
			s.mu.Unlock()
		}
		before = now
	}
}

// allowance is by how much what happened between two moments may have been late.
func (s *starved) allowance(from, to time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := func(t time.Time) time.Duration {
		i := sort.Search(len(s.seen), func(i int) bool { return s.seen[i].at.After(t) })
		if i == 0 {
			return 0
		}
		return s.seen[i-1].total
	}
	return 2 * (until(to) - until(from))
}
