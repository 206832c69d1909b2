package server

// What the gate's kinds of places mean to a loop.

const fullText = "all connections are taken"

// outOfPlace answers a request for which c has no place: in reserve all that is not an encoder's, and an encoder's place
// is none to watch from.
func (l *loop) outOfPlace(c *conn, w want) bool {
	watches := w == wantDescribe || w == wantPlay || w == wantRaw
	if c.guest == nil || l.encoder || c.guest.crowd == &l.gate.encoders && !watches {
		return false
	}
	if l.gate.demote(c.guest) {
		c.guest = nil
		return false
	}
	l.refuse(c, 503, fullText)
	return true
}

// admitted gives an encoder that may send to a stream its place; if there is none, it has been answered.
func (l *loop) admitted(c *conn, st *stream, now instant) (ok bool) {
	feeds := ""
	if s := l.reg.owned(st); s != nil {
		feeds = s.who
	}
	if c.guest, ok = l.gate.admit(c.guest, st, c.remote, feeds, now, func() { l.evict(c) }); !ok {
		l.refuse(c, 503, fullText)
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
