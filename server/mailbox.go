package server

import (
	"sync/atomic"

	"pumpd/server/clock"
)

// A mailbox brings calls to a loop from other goroutines, in the order they were posted. gnet's own queue would not do:
// it may reorder tasks under load. It is a list without a lock: posting never waits.
type mailbox struct {
	newest atomic.Pointer[letter]
	first  *letter // of those that are being opened; the loop's only
}

type letter struct {
	call func(now clock.Instant)
	next *letter // older one by one as they are posted, newer when they are opened
}

// post leaves a call, which the loop makes at its next wake: the caller wakes it. Any goroutine.
func (m *mailbox) post(call func(now clock.Instant)) {
	n := &letter{call: call}
	for {
		n.next = m.newest.Load()
		if m.newest.CompareAndSwap(n.next, n) {
			return
		}
	}
}

// open empties the box and makes the calls, oldest first; some: there were any. A call may open it, for those behind
// itself. The loop's goroutine only.
func (m *mailbox) open(now clock.Instant) (some bool) {
	m.collect()
	for m.first != nil {
		n := m.first
		m.first, some = n.next, true
		n.call(now)
	}
	return some
}

// collect puts what was posted behind what is being opened.
func (m *mailbox) collect() {
	var first *letter
	for n := m.newest.Swap(nil); n != nil; {
		older := n.next
		n.next, first = first, n
		n = older
	}
	end := &m.first
	for *end != nil {
		end = &(*end).next
	}
	*end = first
}
