package server

import (
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
)

// hold lets a viewer wait for a stream without a source for so long, instead of refusing it with 503. Its request stays
// in the conn's input and is served again when the stream comes up or the time is over.
func (l *loop) hold(c *conn, st *stream.Stream, long time.Duration, now clock.Instant) {
	c.phase, c.waited, c.waitsFor, c.deadline = holding, true, st, now.Add(long)
	l.since[c] = now
	c.heldSlot = int32(len(l.held[st]))
	l.held[st] = append(l.held[st], c)
	l.holding++
	st.Stats().Held.Add(1)
	l.hub.Listen(st)
	if st.Up() != nil { // since we looked
		l.wake()
	}
	st.Want()
}

// patience is how long c is to wait for a stream that is not up: as long as the configuration's hold, or 0, as when it
// has waited already. A reload may change it at any moment.
func patience(c *conn, st *stream.Stream) time.Duration {
	if c.phase != awaiting || c.waited {
		return 0
	}
	return time.Duration(st.Config().Hold)
}

// serveHeld queues the requests that were held for streams that have come up.
func (l *loop) serveHeld(now clock.Instant) {
	if l.holding == 0 {
		return
	}
	for st := range l.held {
		if st.Up() != nil {
			l.unholdAll(st, now)
		}
	}
}

// unholdAll is unhold for all who wait for a stream.
func (l *loop) unholdAll(st *stream.Stream, now clock.Instant) {
	for _, c := range slices.Backward(l.held[st]) {
		l.unhold(c, now)
	}
}

// unhold has c's request served again, in its turn: thousands may have waited for the same stream. Until it is served c
// counts as waiting; otherwise a pull on demand would end for want of viewers.
func (l *loop) unhold(c *conn, now clock.Instant) {
	l.unlistHeld(c)
	c.phase, c.deadline = awaiting, now.Add(l.limits.requestHead)
	l.enqueue(c)
}

// unlistHeld takes c out of the list of those who wait for its stream, if it is there.
func (l *loop) unlistHeld(c *conn) {
	if c.heldSlot < 0 {
		return
	}
	held := l.held[c.waitsFor]
	end := len(held) - 1
	last := held[end]
	held[c.heldSlot], last.heldSlot = last, c.heldSlot
	held[end] = nil
	if l.held[c.waitsFor] = held[:end]; end == 0 {
		delete(l.held, c.waitsFor)
	}
	c.heldSlot = -1
	l.holding--
	l.hub.Unlisten(c.waitsFor)
}

// waitNoMore counts c as waiting for its stream no longer, if it did. Its seat was for the wait: whoever is served asks
// for one of its own.
func (c *conn) waitNoMore() {
	if c.waitsFor != nil {
		c.loop.unseat(c, c.waitsFor)
		c.waitsFor.Stats().Held.Add(-1)
		c.waitsFor = nil
	}
}
