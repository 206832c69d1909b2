package server

import (
	"net/netip"
	"time"

	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/logging"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// authorise says whether an encoder has shown who it is. If not, it has been answered, or waits until its credentials
// have their turn (see brake).
func (l *loop) authorise(c *conn, x exchange, keep bool, now clock.Instant) bool {
	st := x.stream
	if len(x.Authorization) == 0 {
		l.challenge(c, x, keep, false)
		return false
	}
	from := c.remote.Addr()
	if !c.waited {
		at, ok := l.node.access.guessTurn(st, from, now)
		if !ok {
			l.log.Warn(logging.PushBraked, "stream", st.Config().Path, "from", c.remote)
			l.refuse(c, x.to, 503, "too many wrong passwords from this network, try again later")
			return false
		}
		if now.Before(at) {
			c.phase, c.waited, c.deadline = holding, true, at
			return false
		}
	}
	shown := auth.Proof{Method: x.Method, Path: x.Path, Authorization: x.Authorization, From: from}
	_, v := l.node.access.of(st).users.Check(shown, l.node.access.spendNonce, time.Now())
	switch v {
	case auth.Right:
		l.node.access.guessedRight(st, from)
	case auth.Wrong:
		l.node.access.guessedWrong(st, from, now)
		l.log.Warn(logging.PushWrong, "stream", st.Config().Path, "from", c.remote)
		fallthrough
	default:
		l.challenge(c, x, keep, v == auth.Stale)
	}
	return v == auth.Right
}

// challenge asks for credentials; the connection stays, since encoders come back on it.
func (l *loop) challenge(c *conn, x exchange, keep, stale bool) {
	l.logRefusal(c, x.to, 401, "credentials are wanted")
	b := l.head(x.Minor, 401, encoderServer)
	for _, v := range l.node.access.of(x.stream).users.Challenge(x.AcceptAuth, c.remote.Addr(), stale, time.Now()) {
		b = codec.AppendField(b, "WWW-Authenticate", v)
	}
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, appendConnection(b, keep), nil)
	if !keep {
		l.mark(c, reason.Refused)
	}
}

func (a *pushAccess) spendNonce(nonce string, count uint32, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nonces.Spend(nonce, count, now)
}

func (a *pushAccess) guessTurn(st *stream.Stream, from netip.Addr, now clock.Instant) (at clock.Instant, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.brake.When(st.ID(), from, now)
}

func (a *pushAccess) guessedWrong(st *stream.Stream, from netip.Addr, now clock.Instant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.brake.Wrong(st.ID(), from, now)
}

func (a *pushAccess) guessedRight(st *stream.Stream, from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.brake.Forget(st.ID(), from)
}
