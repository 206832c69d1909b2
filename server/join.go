package server

import (
	"context"
	"log/slog"

	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// What of a conn's life as a viewer is not the hub's: it sees viewers only.

// join makes c the viewer v of st, which goes on at the stream's join point j; head is the reply's head. It is sent
// what there is at once.
func (l *loop) join(c *conn, v *fanout.Viewer, st *stream.Stream, j *stream.Joins, head []byte, now clock.Instant) {
	l.owner.check()
	if c.push != nil { // an encoder that watches sends no more, and viewers have no deadline that would end its claim
		c.push.gone(c, reason.ClientClosed)
		c.push = nil
	}
	l.unschedule(c)
	c.viewer, c.phase = v, viewing
	if v.Session != 0 {
		l.node.sessions.playsAt(v.Session, spot{int32(l.id), c.fd})
	}
	l.logJoin(c, st)
	if _, waited := l.since[c]; !waited {
		l.since[c] = now
	}
	l.hub.Join(v, st, j, head, now)
	l.noteFirstByte(c, l.clock.Now())
}

// noteFirstByte counts how long it took from c's request until its socket took something, if that has happened.
func (l *loop) noteFirstByte(c *conn, now clock.Instant) {
	if asked, waits := l.since[c]; waits && c.viewer != nil && c.viewer.Sent() > 0 {
		l.stats.firstByte.Observe(now.Since(asked).Seconds(), 1)
		delete(l.since, c)
	}
}

// noteFirstBytes is for those who were sent nothing when they joined.
func (l *loop) noteFirstBytes(now clock.Instant) {
	for c := range l.since {
		l.noteFirstByte(c, now)
	}
}

// newViewer makes the viewer that c can join as; session is the client-id of its Play, 0 without one.
func newViewer(c *conn, d *fanout.Dialect, session uint32) *fanout.Viewer {
	var offer fanout.Offer
	if w, ok := c.wire.(*tlsWire); ok {
		offer = w.offer
	}
	v := fanout.NewViewer(c.fd, d, offer)
	v.Session = session
	return v
}

// part ends c's life as a viewer and writes its line in the access log.
func (l *loop) part(c *conn, now clock.Instant) {
	l.owner.check()
	v := c.viewer
	l.leaveLodgers(c)
	had := l.hub.Part(v, c.why, now)
	c.viewer = nil
	l.unseat(c, had.Stream)
	if c.phase != closed {
		l.schedule(c)
	}
	l.node.sessions.stop(v.Session, c.remote.Addr(), now)
	l.logViewer(c, had)
}

// Blocked has the watcher tell when v's socket can take more.
func (l *loop) Blocked(v *fanout.Viewer) {
	if c := l.connOf(v); c != nil {
		l.expect(c)
	}
}

// Skipped leaves a line of that at debug.
func (l *loop) Skipped(v *fanout.Viewer) {
	if c := l.connOf(v); c != nil && l.log.Enabled(context.Background(), slog.LevelDebug) {
		had := l.hub.StayOf(v, l.clock.Now())
		l.log.Debug("viewer skips", "stream", had.Stream.Config().Path, "from", c.remote, "skips", had.Skips)
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
