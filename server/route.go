package server

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/logging"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// streamAt finds the stream of a request path: /streams/NAME or, for encoders, /streams/NAME_push, in any case, with or
// without a slash at the end.
func streamAt(r *stream.Registry, path []byte) (st *stream.Stream, push bool) {
	const (
		root    = "/streams/"
		longest = len(root) + stream.MaxPathLen + len("_push/")
	)
	var plain [3 * longest]byte // as long as it can be with everything escaped; what is longer is no stream's, cut or not
	path = codec.AppendPath(plain[:0], path[:min(len(path), len(plain))])
	if len(path) <= len(root) || !bytes.EqualFold(path[:len(root)], []byte(root)) {
		return nil, false
	}
	name := bytes.TrimSuffix(path[len(root):], []byte("/"))
	if st := r.Find(name); st != nil {
		return st, false
	}
	const suffix = "_push"
	if n := len(name) - len(suffix); n > 0 && bytes.EqualFold(name[n:], []byte(suffix)) {
		return r.Find(name[:n]), true
	}
	return nil, false
}

// An exchange is a request and what its reply depends on.
type exchange struct {
	*codec.Request // until the loop parses the next one
	to             requester
	want           want
	dialect        *fanout.Dialect
	stream         *stream.Stream // that the path names; nil: none
	onPush         bool           // it is the path for encoders
}

func (l *loop) newExchange(c *conn, r *codec.Request) exchange {
	x := exchange{Request: r, to: requesterOf(r, serverOf(c)), dialect: fanout.DialectOf(r)}
	x.stream, x.onPush = streamAt(l.reg, r.Path)
	x.to.stream = x.stream
	x.want = classify(r, x.dialect, x.onPush)
	if x.want.pushes() {
		x.to.server = encoderServer
	}
	return x
}

// route answers the request that l.request holds; n is the length of its head, rest what follows. It is false when more
// must come first.
func (l *loop) route(c *conn, n int, rest []byte, now clock.Instant) bool {
	x := l.newExchange(c, &l.request)
	if l.outOfPlace(c, x, now) {
		return false
	}
	if x.want == wantPushStart {
		l.startPush(c, x, n, now)
		return c.phase == feeding
	}
	body, whole := l.body(c, x, rest)
	if !whole {
		c.need = int32(n + body)
		l.awaitNext(c, now)
		return false
	}
	switch {
	case x.want == wantPushSetup:
		l.setUpPush(c, x, now)
	case x.want.watches():
		l.watch(c, x, now)
	default:
		l.attend(c, x, rest[:body], now)
	}
	if c.phase != closed && c.phase != holding {
		c.next(n+body, now)
		if x.want == wantPushSetup {
			c.deadline = now.Add(l.limits.pushSetup)
		}
		l.awaitNext(c, now)
	}
	return c.phase == awaiting
}

// body says how long the body of the request is and whether it is there; a body that is too long is refused.
func (l *loop) body(c *conn, x exchange, rest []byte) (n int, whole bool) {
	if x.Chunked {
		l.refuse(c, x.to, 411, "a body needs a Content-Length here")
		return 0, false
	}
	most := int64(maxSetupBody)
	if x.want == wantLog || x.want == wantEvent {
		most = maxLogBody
	}
	if x.ContentLength > most {
		l.refuse(c, x.to, 413, fmt.Sprintf("body: %d bytes, limit %d", x.ContentLength, most))
		return 0, false
	}
	n = int(max(0, x.ContentLength))
	return n, len(rest) >= n
}

// watch answers a Describe or a Play: with the header, the stream, a wait for it (see hold), or a refusal.
func (l *loop) watch(c *conn, x exchange, now clock.Instant) {
	st := x.stream
	switch {
	case l.showsLinks(c, x):
		return
	case st == nil:
		l.unknown(c, x)
		return
	case x.onPush:
		l.refuse(c, x.to, 405, "this path is for encoders, viewers go without _push", "Allow", "POST, OPTIONS")
		return
	}
	if !l.mayWatch(c, x, now) {
		return
	}
	if err := l.node.name.CheckRequest(&x.Via); err != nil {
		l.log.Warn(logging.PumpRefused, "stream", st.Config().Path, "from", c.remote, "err", err)
		l.refuse(c, x.to, 403, err.Error(), l.viaField(x)...)
		return
	}
	j := st.Up()
	long := patience(c, st)
	switch {
	case j == nil && long == 0:
		l.refuse(c, x.to, 503, "nothing is sent to this stream at present", l.viaField(x)...)
		return
	case !l.admit(c, x, j):
		return
	case j == nil:
		l.hold(c, st, long, now)
		return
	}
	s, free := l.identify(x, c.remote.Addr(), now)
	switch {
	case !free:
		l.unseat(c, st)
		l.refuse(c, x.to, 400, "this client-id is playing already")
	case x.want == wantDescribe:
		l.describe(c, x, j.Gen, s)
	case isHead(x.Method):
		c.wire.write(l.playHead(x, j.Gen, s))
		l.finish(c, false)
	default:
		c.who = clientOf(x.Request)
		l.join(c, newViewer(c, x.dialect, s.id), st, j, l.playHead(x, j.Gen, s), now)
	}
}

// An identity is who a client is to us, as the reply to its Describe or Play says.
type identity struct {
	id    uint32 // client-id; 0 where the dialect has none
	reset bool   // it has asked with one that we do not know
}

// identify gives the client-id of a Describe or Play: its own if we know it, else a new one. free is false for a second
// Play of one session.
func (l *loop) identify(x exchange, from netip.Addr, now clock.Instant) (who identity, free bool) {
	p := &x.Pragma
	if x.want == wantRaw {
		return identity{}, true
	}
	play := x.want == wantPlay && !isHead(x.Method)
	if p.HasClientID && p.ClientID != 0 {
		switch l.node.sessions.use(p.ClientID, from, now, play) {
		case sessionKnown:
			return identity{id: p.ClientID}, true
		case sessionPlaying:
			return identity{}, false
		}
	}
	return identity{l.node.sessions.open(from, now, play), p.HasClientID && x.dialect.Reset}, true
}

// stopPlay ends the Play of a session, on whichever loop it is.
func (l *loop) stopPlay(id uint32, from netip.Addr, now clock.Instant) {
	at, played := l.node.sessions.stop(id, from, now)
	if !played {
		return
	}
	o := l.node.loops[at.loop]
	o.tell(func(now clock.Instant) {
		if c := o.conns.find(at.fd); c != nil && c.viewer != nil && c.viewer.Session == id {
			o.hub.Dismiss(c.viewer, reason.Stopped, now)
		}
	})
}

// unknown answers for a path without a stream: 302 where the operator wants that, in a form the client can follow.
func (l *loop) unknown(c *conn, x exchange) {
	place := l.limits.redirect404
	if place == "" {
		l.refuse(c, x.to, 404, "no such stream")
		return
	}
	if _, after, ok := strings.Cut(place, "://"); ok && !strings.HasPrefix(place, "https:") {
		place = x.dialect.Redirect + "://" + after
	}
	l.refuse(c, x.to, 302, "it is at "+place, "Location", place)
}

// attend answers the requests that players make around a Play: options, statistics, keep-alives, Stop. The reply has
// their client-id where they have one (mmsh.md §4.3).
func (l *loop) attend(c *conn, x exchange, body []byte, now clock.Instant) {
	p := &x.Pragma
	keep := stays(x.Request, x.dialect.Keep)
	known := p.HasClientID && l.node.sessions.use(p.ClientID, c.remote.Addr(), now, false) == sessionKnown
	var session []string
	if known {
		session = []string{"Pragma", clientID(p.ClientID)}
	}
	switch x.want {
	case wantOptions:
		l.ok(c, x.Minor, 200, keep, append(session, "Public", "GET, POST, OPTIONS", "Allow", "OPTIONS")...)
	case wantPipeline:
		l.ok(c, x.Minor, 204, keep, append(session, "Pragma", "pipeline-result=0")...)
	case wantLog: // never refused, whatever it says
		l.hear(c, x, body, now)
		l.ok(c, x.Minor, 204, keep, session...)
	case wantEvent, wantContentInfo:
		l.ok(c, x.Minor, 200, keep, session...)
	case wantSelect, wantKeepAlive, wantStop:
		if !known {
			l.refuse(c, x.to, 400, "no such client-id")
			return
		}
		if x.want == wantStop {
			l.stopPlay(p.ClientID, c.remote.Addr(), now)
		}
		l.ok(c, x.Minor, 200, keep, session...)
	case wantNextEntry:
		l.refuse(c, x.to, 400, "there is no next entry in a live stream")
	default:
		l.refuse(c, x.to, 405, "method or request not known here", "Allow", "GET, HEAD, POST, OPTIONS")
	}
}
