package server

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"pumpd/codec"
)

// setUpPush answers an encoder's PushSetup (push.md §2). Its body, a template's URL and AutoDestroy, is read and ignored:
// streams come from the configuration.
func (l *loop) setUpPush(c *conn, st *stream, onPush bool, now instant) {
	if !l.admitPush(c, st, onPush, stays(&l.request, true), now) {
		return
	}
	id := string(codec.CookieValue(l.request.Cookie, "push-id"))
	if !l.reg.usePush(id, st, c.remote.Addr(), now) {
		id = l.reg.openPush(st, c.remote.Addr(), now, now.add(l.limits.pushSetup))
	}
	l.pushAccepted(c, id, stays(&l.request, true))
}

// startPush begins or goes on with the body of a PushStart, n bytes of whose head are to be discarded. Nothing is
// answered until the body is complete (push.md §3).
func (l *loop) startPush(c *conn, st *stream, onPush bool, n int, now instant) {
	r := &l.request
	id := string(codec.CookieValue(r.Cookie, "push-id"))
	known := onPush && st != nil && l.reg.usePush(id, st, c.remote.Addr(), now)
	switch {
	case !known && !l.admitPush(c, st, onPush, false, now), known && !l.admitSecond(c, st, now):
		return
	case r.ContentLength < 0 && !r.Chunked:
		l.refuse(c, 411, "a push needs a Content-Length")
		return
	case r.ContentLength == 0:
		l.refuse(c, 400, "Content-Length: 0, at least 1")
		return
	case !known:
		id = newPushID() // as Windows Media Services does (push.md §3)
	}
	if c.push != nil && c.push.stream != st {
		c.push.gone(clientClosed)
		c.push = nil
	}
	if c.push == nil {
		c.push = &push{stream: st}
	}
	p := c.push
	p.id, p.state, p.heard = id, pushing, now
	p.body = pushBody{left: r.ContentLength, chunked: r.Chunked, mmsh: p.body.mmsh}
	c.took(n, now)
	c.phase, c.deadline = feeding, 0
}

// admitPush says whether an encoder may use a path; if not, it has been answered. keep is whether it may try again on
// the same connection.
func (l *loop) admitPush(c *conn, st *stream, onPush, keep bool, now instant) bool {
	r := &l.request
	switch {
	case st == nil || !onPush:
		l.refuse(c, 404, "no such stream to push to; a push path is /streams/NAME_push")
		return false
	case st.cfg.Type != typePush:
		l.refuse(c, 403, "this stream has a source of its own")
		return false
	}
	if len(st.users) > 0 {
		if _, ok := st.users.check(string(r.Method), r.Target, r.Authorization, time.Now()); !ok {
			l.challenge(c, st, keep)
			return false
		}
	}
	return l.admitSecond(c, st, now)
}

// silentSource is how long a push must have sent nothing for a newcomer to take it for dead (push.md §7).
const silentSource = 5 * time.Second

// admitSecond applies the rules for a second encoder on one path. They count again when it claims the stream.
func (l *loop) admitSecond(c *conn, st *stream, now instant) bool {
	code, why := st.objection(c, now)
	if code != 0 {
		l.refuse(c, code, why)
	}
	return code == 0
}

// objection says what is to be said to an encoder on c while another has the stream; code 0 is nothing (push.md §7).
func (st *stream) objection(c *conn, now instant) (code int, why string) {
	s := st.reg.owned(st)
	if s == nil || s.kind != sourcePush || c.push != nil && c.push.source == s {
		return 0, ""
	}
	from, err := netip.ParseAddrPort(s.who)
	same := len(st.users) > 0 || err == nil && from.Addr() == c.remote.Addr()
	silent := now.since(instant(st.stats.lastPacket.Load())) > silentSource
	switch {
	case !same:
		return 403, "another encoder sends to this stream"
	case !silent && st.cfg.OnSecondPush == "refuse":
		return 409, "an encoder sends to this stream already"
	}
	return 0, ""
}

// challenge asks for credentials; the connection stays, since encoders come back on it.
func (l *loop) challenge(c *conn, st *stream, keep bool) {
	if len(l.request.Authorization) > 0 {
		l.log.Warn("push not authorised", "stream", st.cfg.Path, "from", c.remote)
	}
	b := l.head(401, encoderServer)
	for _, v := range st.users.challenge(l.request.AcceptAuth) {
		b = codec.AppendField(b, "WWW-Authenticate", v)
	}
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, connection(b, keep), nil)
	if !keep {
		l.mark(c, refused)
	}
}

// pushAccepted is the 204 to a setup and to a complete body. Encoders compare some field names by case.
func (l *loop) pushAccepted(c *conn, id string, keep bool) {
	b := codec.AppendField(l.head(204, encoderServer), "Set-Cookie", "push-id="+id)
	b = codec.AppendField(b, "Pragma", fmt.Sprintf("timeout=%d", l.limits.sourceIdle.Milliseconds()))
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, connection(b, keep), nil)
	l.over(c, keep)
}

// dropEncoder tells an encoder in the middle of its body that this is the end.
func (l *loop) dropEncoder(c *conn, code int, text string, why reason) {
	l.encoder, l.request = true, codec.Request{Minor: 1}
	l.mark(c, why) // first: the log's word is not the status' one
	l.refuse(c, code, text)
}

// Bounds of the push-ids of one address, and of all: some networks have more addresses than we have memory. The one that
// ends first makes room.
const (
	maxPushes    = 64
	maxAllPushes = 1024
)

// pushLife is how long a push-id stays good after a start: a body lasts hours, and an encoder that lost its link comes
// back with the same id.
const pushLife = 24 * time.Hour

// A pushSession is what a push-id stands for: a setup that was let in, so that its PushStart is too; encoders
// authenticate in the setup only (push.md §3).
type pushSession struct {
	stream *stream
	from   netip.Addr
	ends   instant
}

func newPushID() string { return strconv.FormatUint(uint64(rand.Uint32N(math.MaxUint32))+1, 10) }

// openPush returns the push-id of a new session.
func (r *registry) openPush(st *stream, from netip.Addr, now, ends instant) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	same, first, firstOfAll := 0, "", ""
	for id, s := range r.pushes {
		if s.ends.before(now) {
			delete(r.pushes, id)
			continue
		}
		if firstOfAll == "" || s.ends.before(r.pushes[firstOfAll].ends) {
			firstOfAll = id
		}
		if s.from != from {
			continue
		}
		if same++; first == "" || s.ends.before(r.pushes[first].ends) {
			first = id
		}
	}
	switch {
	case same >= maxPushes:
		delete(r.pushes, first)
	case len(r.pushes) >= maxAllPushes:
		delete(r.pushes, firstOfAll)
	}
	id := newPushID()
	r.pushes[id] = pushSession{stream: st, from: from, ends: ends}
	return id
}

// usePush says whether a push-id was given to this address for this stream, and prolongs it.
func (r *registry) usePush(id string, st *stream, from netip.Addr, now instant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.pushes[id]
	if !ok || s.stream != st || s.from != from || s.ends.before(now) {
		return false
	}
	s.ends = now.add(pushLife)
	r.pushes[id] = s
	return true
}
