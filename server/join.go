package server

import (
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// What of a conn's life as a viewer is not the hub's: it sees viewers only.

// join makes c a viewer of st, from the stream's join point on; head is the reply's head. It is sent what there is at
// once.
func (l *loop) join(c *conn, st *stream.Stream, j *stream.Joins, d *fanout.Dialect, head []byte, now clock.Instant) {
	l.owner.check()
	if c.push != nil { // an encoder that watches sends no more, and viewers have no deadline that would end its claim
		c.push.gone(c, reason.ClientClosed)
		c.push = nil
	}
	l.unschedule(c)
	var offer fanout.Offer
	if w, ok := c.wire.(*tlsWire); ok {
		offer = w.offer
	}
	c.viewer, c.phase = fanout.NewViewer(c.fd, d, offer), viewing
	if d.MMSH() {
		l.node.sessions.playsAt(c.session, spot{int32(l.id), c.fd})
	}
	l.hub.Join(c.viewer, st, j, head, now)
}

// part ends c's life as a viewer and writes its line in the access log.
func (l *loop) part(c *conn, now clock.Instant) {
	l.owner.check()
	had := l.hub.Part(c.viewer, c.why, now)
	c.viewer = nil
	if c.phase != closed {
		l.schedule(c)
	}
	l.node.sessions.stop(c.session, c.remote.Addr(), now)
	logViewer(l.access, c, had)
}

// Blocked has the watcher tell when v's socket can take more.
func (l *loop) Blocked(v *fanout.Viewer) {
	if c := l.connOf(v); c != nil {
		l.expect(c)
	}
}

// End marks v's conn.
func (l *loop) End(v *fanout.Viewer, why reason.Reason) {
	if c := l.connOf(v); c != nil {
		l.mark(c, why)
	}
}

// connOf is the connection of v, nil if it is closed already.
func (l *loop) connOf(v *fanout.Viewer) *conn {
	if c := l.conns.find(v.FD()); c != nil && c.viewer == v {
		return c
	}
	return nil
}

// expect has the watcher tell when c's socket can take more.
func (l *loop) expect(c *conn) {
	if err := l.watcher.arm(c.fd); err != nil {
		l.log.Error("watcher refused a descriptor", "err", err)
		l.mark(c, reason.WriteFailed)
	}
}
