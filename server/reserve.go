package server

// What the gate's kinds of places mean to a loop.

const fullText = "all connections are taken"

// outOfPlace answers a request for which c has no place: in reserve all that is not an encoder's, and an encoder's
// place is none to watch from.
func (l *loop) outOfPlace(c *conn, x exchange) bool {
	g := l.gate
	switch {
	case c.guest == nil:
		return false
	case c.guest.crowd == &g.unheard:
		if g.heard(c.guest) {
			c.guest = nil
			return false
		}
	case x.want.pushes(), c.guest.crowd == &g.encoders && !x.want.watches():
		return false
	case g.demote(c.guest):
		c.guest = nil
		return false
	}
	l.refuse(c, x.to, 503, fullText)
	return true
}

// idle says that more must come from a conn in an ordinary place, or the place may be another's.
func (l *loop) idle(c *conn, now instant) {
	if c.guest == nil && c.phase == awaiting && c.why == noReason && c.push == nil {
		c.guest = l.gate.await(now, func() { l.evict(c) })
	}
}

// admitted gives an encoder that may send to a stream its place; if there is none, it has been answered.
func (l *loop) admitted(c *conn, x exchange, now instant) (ok bool) {
	feeds := ""
	if s := x.stream.Owner(); s != nil {
		feeds = s.Who()
	}
	if c.guest, ok = l.gate.admit(c.guest, x.stream, c.remote, feeds, now, func() { l.evict(c) }); !ok {
		l.refuse(c, x.to, 503, fullText)
	}
	return ok
}

// evict ends a conn whose place another one needs. Any goroutine.
func (l *loop) evict(c *conn) {
	l.tell(func(now instant) {
		switch {
		case c.phase == closed:
			return
		case c.phase == feeding:
			l.dropEncoder(c, 503, fullText, refused)
		case c.why == noReason:
			l.rebuff(c, 503, fullText)
		}
		c.wire.shut() // no time to linger: whoever says nothing does not close either
		c.wire.close(false)
	})
}
