package server

import (
	"sync/atomic"

	"pumpd/server/clock"
)

// A mailbox brings calls to a loop from other goroutines, in the order they were posted. gnet's own queue would not do:
// it may reorder tasks under load. It is a list without a lock: posting never waits.
type mailbox struct{ newest atomic.Pointer[letter] }

type letter struct {
	call  func(now clock.Instant)
	older *letter
}

// post leaves a call, which the loop makes at its next wake: the caller wakes it. Any goroutine.
func (m *mailbox) post(call func(now clock.Instant)) {
	n := &letter{call: call}
	for {
		n.older = m.newest.Load()
		if m.newest.CompareAndSwap(n.older, n) {
			return
		}
	}
}

// open empties the box and makes the calls, oldest first. The loop's goroutine only.
func (m *mailbox) open(now clock.Instant) {
	var first *letter
	for n := m.newest.Swap(nil); n != nil; {
		older := n.older
		n.older, first = first, n
		n = older
	}
	for ; first != nil; first = first.older {
		first.call(now)
	}
}
