package server

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"pumpd/codec"
)

// streamAt finds the stream of a request path: /streams/NAME or, for encoders, /streams/NAME_push, in any case, with or
// without a slash at the end.
func streamAt(r *registry, path []byte) (st *stream, push bool) {
	const (
		root    = "/streams/"
		longest = len(root) + maxPathLen + len("_push/")
	)
	var plain [3 * longest]byte // as long as it can be with everything escaped; what is longer is no stream's, cut or not
	path = codec.AppendPath(plain[:0], path[:min(len(path), len(plain))])
	if len(path) <= len(root) || !bytes.EqualFold(path[:len(root)], []byte(root)) {
		return nil, false
	}
	name := bytes.TrimSuffix(path[len(root):], []byte("/"))
	if st := r.find(name); st != nil {
		return st, false
	}
	const suffix = "_push"
	if n := len(name) - len(suffix); n > 0 && bytes.EqualFold(name[n:], []byte(suffix)) {
		return r.find(name[:n]), true
	}
	return nil, false
}

// route answers the request that l.request holds; n is the length of its head, rest what follows. It is false when more
// must come first.
func (l *loop) route(c *conn, n int, rest []byte, now instant) bool {
	r := &l.request
	st, push := streamAt(l.reg, r.Path)
	d := dialectOf(r)
	w := classify(r, d, push)
	l.encoder = w == wantPushSetup || w == wantPushStart
	if l.outOfPlace(c, w) {
		return false
	}
	if w == wantPushStart {
		l.startPush(c, st, push, n, now)
		return c.phase == feeding
	}
	body, whole := l.body(c, w, rest)
	if !whole {
		c.need = int32(n + body)
		l.idle(c, now)
		return false
	}
	switch w {
	case wantPushSetup:
		l.setUpPush(c, st, push, now)
	case wantDescribe, wantPlay, wantRaw:
		l.watch(c, w, st, push, d, now)
	default:
		l.attend(c, w, d, now)
	}
	if c.phase != closed && c.phase != holding {
		c.took(n+body, now)
		if w == wantPushSetup {
			c.deadline = now.add(l.limits.pushSetup)
		}
		l.idle(c, now)
	}
	return c.phase == awaiting
}

// body says how long the body of the request is and whether it is there; a body that is too long is refused.
func (l *loop) body(c *conn, w want, rest []byte) (n int, whole bool) {
	r := &l.request
	if r.Chunked {
		l.refuse(c, 411, "a body needs a Content-Length here")
		return 0, false
	}
	most := int64(maxSetupBody)
	if w == wantLog || w == wantEvent {
		most = maxLogBody
	}
	if r.ContentLength > most {
		l.refuse(c, 413, fmt.Sprintf("body: %d bytes, limit %d", r.ContentLength, most))
		return 0, false
	}
	n = int(max(0, r.ContentLength))
	return n, len(rest) >= n
}

// watch answers those who want the stream or its header.
func (l *loop) watch(c *conn, w want, st *stream, push bool, d *dialect, now instant) {
	r := &l.request
	switch {
	case st == nil:
		l.unknown(c, d)
		return
	case push:
		l.refuse(c, 405, "this path is for encoders, viewers go without _push", "Allow", "POST, OPTIONS")
		return
	}
	if err := l.node.name.checkRequest(&r.Via); err != nil {
		l.log.Warn(logPumpRefused, "stream", st.cfg.Path, "from", c.remote, "err", err)
		l.refuse(c, 403, err.Error(), l.pathField(st)...)
		return
	}
	j := st.up()
	if j == nil && l.hold(c, st, now) {
		return
	}
	if j == nil {
		l.refuse(c, 503, "nothing is sent to this stream at present", l.pathField(st)...)
		return
	}
	id, reset, free := l.identify(w, d, c.remote.Addr(), now)
	switch {
	case !free:
		l.refuse(c, 400, "this client-id is playing already")
	case w == wantDescribe:
		l.describe(c, st, d, j.gen, id, reset)
	case isHead(r):
		c.wire.write(l.playHead(st, d, j.gen, id, reset))
		l.over(c, false)
	default:
		v := &viewer{dialect: d, session: id, agent: agentName(r.UserAgent)}
		l.join(c, st, j, v, l.playHead(st, d, j.gen, id, reset), now)
	}
}

// identify gives the client-id of a Describe or Play: its own if we know it, else a new one. free is false for a second
// Play of one session.
func (l *loop) identify(w want, d *dialect, from netip.Addr, now instant) (id uint32, reset, free bool) {
	p := &l.request.Pragma
	if w == wantRaw {
		return 0, false, true
	}
	play := w == wantPlay && !isHead(&l.request)
	if p.HasClientID && p.ClientID != 0 {
		switch l.node.sessions.use(p.ClientID, from, now, play) {
		case sessionKnown:
			return p.ClientID, false, true
		case sessionPlaying:
			return 0, false, false
		}
	}
	return l.node.sessions.open(from, now, play), p.HasClientID && d.reset, true
}

// stopPlay ends the Play of a session, on whichever loop it is.
func (l *loop) stopPlay(id uint32, from netip.Addr, now instant) {
	at, played := l.node.sessions.stop(id, from, now)
	if !played {
		return
	}
	o := l.node.loops[at.loop]
	o.tell(func(now instant) {
		if c := o.conns.find(at.fd); c != nil && c.viewer != nil && c.viewer.session == id {
			o.dismiss(c.viewer, stopped, now)
		}
	})
}

// unknown answers for a path without a stream: 302 where the operator wants that, in a form the client can follow.
func (l *loop) unknown(c *conn, d *dialect) {
	to := l.limits.redirect404
	if to == "" {
		l.refuse(c, 404, "no such stream")
		return
	}
	if _, after, ok := strings.Cut(to, "://"); ok && !strings.HasPrefix(to, "https:") {
		to = d.redirect + "://" + after
	}
	l.refuse(c, 302, "it is at "+to, "Location", to)
}

// attend answers what players say around a Play, with their client-id where they have one (mmsh.md §4.3).
func (l *loop) attend(c *conn, w want, d *dialect, now instant) {
	p := &l.request.Pragma
	keep := stays(&l.request, d.keep)
	known := p.HasClientID && l.node.sessions.use(p.ClientID, c.remote.Addr(), now, false) == sessionKnown
	var session []string
	if known {
		session = []string{"Pragma", clientID(p.ClientID)}
	}
	switch w {
	case wantOptions:
		l.ok(c, 200, keep, append(session, "Public", "GET, POST, OPTIONS", "Allow", "OPTIONS")...)
	case wantPipeline:
		l.ok(c, 204, keep, append(session, "Pragma", "pipeline-result=0")...)
	case wantLog: // never refused, whatever it says
		l.log.Debug("player log", "from", c.remote, "client_id", p.ClientID, "bytes", max(0, l.request.ContentLength))
		l.ok(c, 204, keep, session...)
	case wantEvent, wantContentInfo:
		l.ok(c, 200, keep, session...)
	case wantSelect, wantKeepAlive, wantStop:
		if !known {
			l.refuse(c, 400, "no such client-id")
			return
		}
		if w == wantStop {
			l.stopPlay(p.ClientID, c.remote.Addr(), now)
		}
		l.ok(c, 200, keep, session...)
	case wantNextEntry:
		l.refuse(c, 400, "there is no next entry in a live stream")
	default:
		l.refuse(c, 405, "method or request not known here", "Allow", "GET, HEAD, POST, OPTIONS")
	}
}
