package server

import (
	"fmt"
	"time"

	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/via"
)

// setUpPush answers an encoder's PushSetup (push.md §2). Its body, a template's URL and AutoDestroy, is read and
// ignored: streams come from the configuration.
func (l *loop) setUpPush(c *conn, x exchange, now clock.Instant) {
	st, keep := x.stream, stays(x.Request, true)
	if !l.admitPush(c, x, false, keep, now) || !l.placeEncoder(c, x, now) {
		return
	}
	ends := now.Add(l.limits.pushSetup)
	id := pushID(x.Request)
	if !l.node.access.prolong(id, st, c.remote.Addr(), now, ends) {
		id = l.node.access.open(st, c.remote.Addr(), now, ends)
	}
	if c.push != nil {
		c.push.heard = now
	}
	var more []string
	if byPump(x.Request) {
		more = pushTime(st)
	}
	l.pushAccepted(c, x.Minor, id, keep, more...)
}

// byPump says that a push comes from a pump, by its Via.
func byPump(r *codec.Request) bool { return r.Via.Has([]byte(via.Prefix)) }

// pushTime tells a pump that comes back up to where its push is here, so that it need not send that again (push.md §5).
func pushTime(st *stream.Stream) []string {
	if j := st.Joins(); j != nil {
		if send, ok := j.Reached(); ok {
			return []string{"Pragma", fmt.Sprintf("push-time=%d", send)}
		}
	}
	return nil
}

// startPush begins the body of a PushStart, whose head is n bytes long. Nothing is answered until the body is complete
// (push.md §3).
func (l *loop) startPush(c *conn, x exchange, n int, now clock.Instant) {
	st, id := x.stream, pushID(x.Request)
	s, known := l.node.access.know(id, st, c.remote.Addr(), now)
	if p := c.push; p != nil && p.stream == st && auth.Same(p.id, id) {
		known = true // it goes on where it was let in; a body may last longer than any push-id
	}
	switch {
	case !l.admitPush(c, x, known, false, now):
		return
	case x.ContentLength < 0 && !x.Chunked:
		l.refuse(c, x.to, 411, "a push needs a Content-Length")
		return
	case x.ContentLength == 0:
		l.refuse(c, x.to, 400, "Content-Length: 0, at least 1")
		return
	case !l.placeEncoder(c, x, now):
		return
	case known:
		l.node.access.use(id, st, c.remote.Addr(), now.Add(pushLife))
	default:
		id = l.node.access.open(st, c.remote.Addr(), now, now.Add(pushLife)) // as Windows Media Services does (push.md §3)
	}
	if c.push != nil && c.push.stream != st {
		c.push.gone(c, reason.ClientClosed)
		c.push = nil
	}
	if c.push == nil {
		c.push = &push{stream: st, access: l.node.access, from: c.remote.Addr(), last: s.last,
			resumes: s.last != nil && byPump(x.Request)}
	}
	p := c.push
	p.via, p.pump = x.Via.String(), byPump(x.Request)
	p.id, p.minor, p.keep = id, x.Minor, stays(x.Request, true)
	p.hear(now)
	p.body = pushBody{toCome: x.ContentLength, chunked: x.Chunked, mmsh: p.body.mmsh}
	c.next(n, now)
	c.phase, c.deadline = feeding, 0
}

// admitPush says whether an encoder may push to the path of a request; if not, it has been refused, or waits for its
// password to be checked. known: it has shown a push-id, which stands for its password. keep: it may try again on the
// same connection.
func (l *loop) admitPush(c *conn, x exchange, known, keep bool, now clock.Instant) bool {
	st := x.stream
	switch {
	case st != nil && st.Config().Type != config.TypePush:
		l.refuse(c, x.to, 403, "this stream has a source of its own")
		return false
	case st == nil || !x.onPush:
		l.refuse(c, x.to, 404, "no such stream to push to; a push path is /streams/NAME_push")
		return false
	}
	rights := l.node.access.of(st)
	if keys := rights.bars(c.listed(), c.local(), c.certificate()); keys != "" {
		l.refuseBarred(c, x, keys)
		return false
	}
	if err := l.node.name.CheckRequest(&x.Via); err != nil {
		l.log.Warn(logging.PumpRefused, "stream", st.Config().Path, "from", c.remote, "err", err)
		l.refuse(c, x.to, 403, err.Error())
		return false
	}
	if len(rights.users) > 0 && !known && !l.authorise(c, x, keep, now) {
		return false
	}
	code, why := l.objection(c, st, pushID(x.Request), now)
	if code != 0 {
		l.refuse(c, x.to, code, why)
	}
	return code == 0
}

// refuseBarred refuses an encoder by where it comes from, or for want of a certificate. It is nearly always that of an
// operator who has just begun, so the log names the keys to set.
func (l *loop) refuseBarred(c *conn, x exchange, keys string) {
	x.stream.Stats().PushesDenied.Add(1)
	l.log.Warn(logging.PushBarred, "stream", x.stream.Config().Path, "from", c.remote, "see", keys)
	why := "this address may not push to this stream"
	if keys == "push_certs" {
		why = "pushing to this stream takes a certificate"
	}
	l.refuse(c, x.to, 403, why)
}

// silentSource is how long a push must have sent nothing before a newcomer may replace it (push.md §7).
const silentSource = 5 * time.Second

// pushID is the push-id that an encoder shows, "" if none.
func pushID(r *codec.Request) string { return string(codec.CookieValue(r.Cookie, "push-id")) }

// objection is the status, and why, with which an encoder on c, with a push-id, is refused because another one feeds
// the stream or may come back to it; 0: it is not (push.md §7). Where there is a password or a certificate, all who
// have it count as the same encoder.
func (l *loop) objection(c *conn, st *stream.Stream, id string, now clock.Instant) (code int, why string) {
	s := st.Writer()
	if s != nil && c.push != nil && c.push.source == s {
		return 0, ""
	}
	rights := l.node.access.of(st)
	switch {
	case !rights.proved() && st.Reserved(c.remote.Addr(), id, now):
		return 403, "another encoder sends to this stream"
	case s != nil && s.Kind() == stream.Push && s.PushID() != id && guardedBy(s, now):
		return 409, "an encoder sends to this stream already"
	}
	return 0, ""
}

// guardedBy says whether push s keeps its stream from a second one: where the configuration wants that, as long as it
// is not silent.
func guardedBy(s *stream.Source, now clock.Instant) bool {
	return s.Stream().Config().OnSecondPush == "refuse" && now.Since(s.Heard()) <= silentSource
}

// pushAccepted is the 204 to a setup and to a complete body. Encoders compare some field names by case. more is names
// and values of fields.
func (l *loop) pushAccepted(c *conn, minor int, id string, keep bool, more ...string) {
	b := codec.AppendField(l.head(minor, 204, encoderServer), "Set-Cookie", "push-id="+id)
	b = codec.AppendField(b, "Pragma", fmt.Sprintf("timeout=%d", l.limits.sourceIdle.Milliseconds()))
	for i := 0; i < len(more); i += 2 {
		b = codec.AppendField(b, more[i], more[i+1])
	}
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, appendConnection(b, keep), nil)
	l.finish(c, keep)
}

// dropEncoder answers an encoder in the middle of its body, which it takes for the end (push.md §8), and closes.
func (l *loop) dropEncoder(c *conn, code int, text string, why reason.Reason) {
	l.mark(c, why) // first, for refuse would mark it with the status' reason
	l.refuse(c, requester{server: encoderServer, minor: c.push.minor}, code, text)
}
