package stream

import (
	"time"

	"pumpd/server/clock"
)

// An allowance bounds how much a peer may cause: some at once, and then no more than a rate. It is for what costs us
// many times what it costs the peer. The zero value is unused.
type allowance struct {
	paid clock.Instant // when all that was taken has come back
}

// A quota is the size of an allowance.
type quota struct {
	most   int64         // at once
	refill time.Duration // in which one more comes
}

// take takes n, or says that there is not so much.
func (a *allowance) take(n int64, q quota, now clock.Instant) bool {
	next := allowance{max(a.paid, now).Add(time.Duration(n) * q.refill)}
	if !next.within(q, now) {
		return false
	}
	*a = next
	return true
}

// within says that no more is taken than there is.
func (a allowance) within(q quota, now clock.Instant) bool {
	return a.paid.Since(now) <= time.Duration(q.most)*q.refill
}
