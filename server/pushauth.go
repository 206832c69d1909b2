package server

import (
	"net/netip"
	"time"

	"pumpd/codec"
)

// authorise says whether an encoder has shown who it is. If not, it has been answered, or waits until its credentials
// have their turn (see brake).
func (l *loop) authorise(c *conn, x exchange, keep bool, now instant) bool {
	st := x.stream
	if len(x.Authorization) == 0 {
		l.challenge(c, x, keep, false)
		return false
	}
	from := c.remote.Addr()
	if !c.waited {
		at, ok := l.node.access.guessTurn(st, from, now)
		if !ok {
			l.log.Warn(logPushBraked, "stream", st.cfg.Path, "from", c.remote)
			l.refuse(c, x.to, 503, "too many wrong passwords from this network, try again later")
			return false
		}
		if now.before(at) {
			c.phase, c.waited, c.deadline = holding, true, at
			return false
		}
	}
	shown := proof{method: x.Method, path: x.Path, authorization: x.Authorization, from: from}
	_, v := l.node.access.users[st.id].check(shown, l.node.access.spendNonce, time.Now())
	switch v {
	case right:
		l.node.access.guessedRight(st, from)
	case wrong:
		l.node.access.guessedWrong(st, from, now)
		l.log.Warn(logPushWrong, "stream", st.cfg.Path, "from", c.remote)
		fallthrough
	default:
		l.challenge(c, x, keep, v == stale)
	}
	return v == right
}

// challenge asks for credentials; the connection stays, since encoders come back on it.
func (l *loop) challenge(c *conn, x exchange, keep, stale bool) {
	l.logRefusal(c, x.to, 401, "credentials are wanted")
	b := l.head(x.Minor, 401, encoderServer)
	for _, v := range l.node.access.users[x.stream.id].challenge(x.AcceptAuth, c.remote.Addr(), stale, time.Now()) {
		b = codec.AppendField(b, "WWW-Authenticate", v)
	}
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, appendConnection(b, keep), nil)
	if !keep {
		l.mark(c, refused)
	}
}

func (a *pushAccess) spendNonce(nonce string, count uint32, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nonces.spend(nonce, count, now)
}

func (a *pushAccess) guessTurn(st *stream, from netip.Addr, now instant) (at instant, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.brake.turn(st.id, from, now)
}

func (a *pushAccess) guessedWrong(st *stream, from netip.Addr, now instant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.brake.wrong(st.id, from, now)
}

func (a *pushAccess) guessedRight(st *stream, from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.brake.forget(st.id, from)
}
