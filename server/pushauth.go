package server

import (
	"net/netip"
	"time"

	"pumpd/codec"
)

// authorise says whether an encoder has shown who it is. If not, it has been answered, or waits until its credentials
// have their turn (see brake).
func (l *loop) authorise(c *conn, st *stream, keep bool, now instant) bool {
	r := &l.request
	if len(r.Authorization) == 0 {
		l.challenge(c, st, keep, false)
		return false
	}
	from := c.remote.Addr()
	if !c.waited {
		at, ok := l.reg.guessTurn(st, from, now)
		if !ok {
			l.log.Warn(logPushBraked, "stream", st.cfg.Path, "from", c.remote)
			l.refuse(c, 503, "too many wrong passwords from this network, try again later")
			return false
		}
		if now.before(at) {
			c.phase, c.waited, c.deadline = holding, true, at
			return false
		}
	}
	_, v := st.users.check(proof{r.Method, r.Path, r.Authorization, from}, l.reg.spendNonce, time.Now())
	switch v {
	case right:
		l.reg.guessedRight(st, from)
	case wrong:
		l.reg.guessedWrong(st, from, now)
		l.log.Warn(logPushWrong, "stream", st.cfg.Path, "from", c.remote)
		fallthrough
	default:
		l.challenge(c, st, keep, v == stale)
	}
	return v == right
}

// challenge asks for credentials; the connection stays, since encoders come back on it.
func (l *loop) challenge(c *conn, st *stream, keep, stale bool) {
	l.logRefusal(c, 401, "credentials are wanted")
	b := l.head(401, encoderServer)
	for _, v := range st.users.challenge(l.request.AcceptAuth, c.remote.Addr(), stale, time.Now()) {
		b = codec.AppendField(b, "WWW-Authenticate", v)
	}
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, connection(b, keep), nil)
	if !keep {
		l.mark(c, refused)
	}
}

func (r *registry) spendNonce(nonce string, count uint32, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nonces.spend(nonce, count, now)
}

func (r *registry) guessTurn(st *stream, from netip.Addr, now instant) (at instant, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brake.turn(guesser{st.id, networkOf(from)}, now)
}

func (r *registry) guessedWrong(st *stream, from netip.Addr, now instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brake.wrong(guesser{st.id, networkOf(from)}, now)
}

func (r *registry) guessedRight(st *stream, from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brake.forget(guesser{st.id, networkOf(from)})
}
