package server

import (
	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// join makes c a viewer of st, from the stream's join point on; head is the reply's head. It is sent what there is at
// once.
func (l *loop) join(c *conn, st *stream.Stream, j *stream.Joins, v *viewer, head []byte, now clock.Instant) {
	l.owner.check()
	if c.push != nil { // an encoder that watches sends no more, and viewers have no deadline that would end its claim
		c.push.gone(c, reason.ClientClosed)
		c.push = nil
	}
	a := l.audienceOf(st)
	v.conn, v.fd, v.audience, v.joined, v.progress = c, c.fd, a, now, now
	v.slot = int32(len(a.viewers))
	v.begin(j)
	v.lead.parts[0] = head
	a.viewers = append(a.viewers, v)
	l.listen(a) // before it looks where the chain ends: nothing may come in between
	l.unwait(c)
	c.viewer, c.phase = v, viewing
	st.Stats().Viewers.Add(1)
	st.Stats().Joined.Add(1)
	st.Want()
	if v.dialect.mmsh() {
		l.node.sessions.playsAt(v.session, spot{int32(l.id), c.fd})
	}
	if a.at == nil {
		a.at = newest(v.at)
	}
	l.turn(v, now)
}

// audienceOf gives the loop's audience of a stream, which may be empty.
func (l *loop) audienceOf(st *stream.Stream) *audience {
	a := l.audiences[st.ID()]
	if a == nil {
		a = &audience{stream: st}
		l.audiences[st.ID()] = a
	}
	return a
}

// listen has the loop told, or told no longer, when the stream's chain grows.
func (l *loop) listen(a *audience) {
	if len(a.viewers)+len(a.held) > 0 {
		a.stream.Listen(l.id)
	} else {
		a.stream.Unlisten(l.id)
	}
}

// newest is where the chain ends that e is in.
func newest(e *stream.Element) *stream.Element {
	for n := e.Next(); n != nil; n = e.Next() {
		e = n
	}
	return e
}

// part takes a leaving viewer out of its audience and writes its line in the access log.
func (l *loop) part(v *viewer, now clock.Instant) {
	l.owner.check()
	a := v.audience
	last := a.viewers[len(a.viewers)-1]
	a.viewers[v.slot], last.slot = last, v.slot
	a.viewers[len(a.viewers)-1] = nil
	a.viewers = a.viewers[:len(a.viewers)-1]
	if len(a.viewers) == 0 {
		a.at, a.viewers = nil, nil
		l.listen(a)
	}
	v.forgive()
	c := v.conn
	c.viewer, v.state = nil, leaving
	if c.phase != closed {
		l.wait(c)
	}
	st := a.stream
	st.Stats().Viewers.Add(-1)
	st.Stats().Left[c.why].Add(1)
	a.account()
	l.node.sessions.stop(v.session, c.remote.Addr(), now)
	logViewer(l.access, v, c.why, now)
}

// dismiss ends v's stream as the source would: after the frame it is in the middle of comes $E(0) and FIN.
func (l *loop) dismiss(v *viewer, why reason.Reason, now clock.Instant) {
	v.verdict = why
	if v.dialect.mmsh() {
		v.lastly(streamEnded)
	}
	if v.state == following {
		l.turn(v, now)
	}
}

// chore cuts a viewer whose socket takes nothing, and moves one that waits too long up to a newer key frame, so that it
// does not hold the chain.
func (v *viewer) chore(l *loop, now clock.Instant) {
	if v.state != blocked {
		return
	}
	if now.Since(v.progress) > l.limits.stall {
		l.mark(v.conn, reason.Stalled)
		return
	}
	l.catchUp(v, now)
	v.letGo(l)
}
