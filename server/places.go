package server

import (
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// How a loop keeps to the gate: which connections may ask for what, and which have to go.

const fullText = "all connections are taken"

// outOfPlace refuses a request that c's kind of place is not for: a connection in reserve may only push, and one in an
// encoder's place may not watch. Either may where an ordinary place is free, or held for nothing, which it then gets.
func (l *loop) outOfPlace(c *conn, x exchange, now clock.Instant) bool {
	g := l.gate
	switch {
	case c.guest == nil:
		return false
	case c.guest.crowd == &g.awaited:
		if g.asked(c.guest) {
			c.guest = nil
			return false
		}
	case x.want.pushes(), c.guest.crowd == &g.encoders && !x.want.watches():
		return false
	case g.demote(c.guest, now):
		c.guest = nil
		return false
	}
	l.refuse(c, x.to, 503, fullText)
	return true
}

// awaitNext has the gate await the next request of a conn in an ordinary place: if others need the place before it
// comes, the conn is closed.
func (l *loop) awaitNext(c *conn, now clock.Instant) {
	if c.guest == nil && c.phase == awaiting && c.why == reason.None && c.push == nil {
		c.guest = l.gate.await(now, func() { l.evict(c) })
	}
}

// placeEncoder gives c, which may push to the stream, an encoder's place; false: there is none, and it has been
// refused.
func (l *loop) placeEncoder(c *conn, x exchange, now clock.Instant) (ok bool) {
	feeds := ""
	if s := x.stream.Writer(); s != nil {
		feeds = s.Who()
	}
	c.guest, ok = l.gate.admit(c.guest, x.stream, c.remote.Addr(), c.name(), feeds, now, func() { l.evict(c) })
	if !ok {
		l.refuse(c, x.to, 503, fullText)
	}
	return ok
}

// evict refuses and closes a conn whose place another one needs. Any goroutine.
func (l *loop) evict(c *conn) {
	l.tell(func(now clock.Instant) {
		switch {
		case c.phase == closed:
			return
		case c.phase == feeding:
			l.dropEncoder(c, 503, fullText, reason.Refused)
		case c.why == reason.None:
			l.refuseUnread(c, 503, fullText)
		}
		c.wire.shut() // no time to linger: whoever says nothing does not close either
		c.wire.close(false)
	})
}
