package server

import (
	"time"

	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/logging"
	"pumpd/server/reason"
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
		at, ok := l.node.access.Turn(st.ID(), from, now)
		if !ok {
			st.Stats().PushesDenied.Add(1)
			l.log.Warn(logging.PushBraked, "stream", st.Config().Path, "from", c.remote)
			l.refuse(c, x.to, 503, "too many wrong passwords from this network, try again later")
			return false
		}
		if now.Before(at) {
			c.phase, c.waited, c.deadline = holding, true, at
			return false
		}
	}
	v, ok := l.verdict(c, x, now)
	switch {
	case !ok:
		st.Stats().PushesDenied.Add(1)
		l.refuse(c, x.to, 503, "too many passwords wait to be checked, try again later")
	case v == auth.Unknown:
	case v == auth.Right:
		l.node.access.Right(st.ID(), from)
	default:
		if v == auth.Wrong {
			st.Stats().WrongPasswords.Add(1)
			l.log.Warn(logging.PushWrong, "stream", st.Config().Path, "from", c.remote)
		}
		l.challenge(c, x, keep, v == auth.Stale)
	}
	return v == auth.Right
}

// verdict is what the credentials of a request are worth. Unknown: c waits until somebody has found that out. ok is
// false where too many wait already.
func (l *loop) verdict(c *conn, x exchange, now clock.Instant) (v auth.Verdict, ok bool) {
	st, a := x.stream, l.node.access
	if c.verdict != auth.Unknown { // it has waited
		v, c.verdict = c.verdict, auth.Unknown
		return v, true
	}
	shown := auth.Proof{Method: x.Method, Path: x.Path, Authorization: x.Authorization, From: c.remote.Addr()}
	_, v, ok = a.Judge(st.ID(), a.of(st).users, shown, now, func(v auth.Verdict) {
		l.tell(func(now clock.Instant) { l.verified(c, v, now) })
	})
	if ok && v == auth.Unknown {
		c.phase, c.waited, c.deadline = holding, true, 0
	}
	return v, ok
}

// verified goes on with a conn that has waited for a verdict.
func (l *loop) verified(c *conn, v auth.Verdict, now clock.Instant) {
	if c.phase != holding || c.why != reason.None {
		return // it has gone in the meantime
	}
	c.verdict = v
	l.unhold(c, now)
}

// challenge asks for credentials; the connection stays, since encoders come back on it.
func (l *loop) challenge(c *conn, x exchange, keep, stale bool) {
	x.stream.Stats().PushesDenied.Add(1)
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
