package server

import (
	"time"

	"pumpd/server/access"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/logging"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// An inquiry is what is known of a request for a stream that not everybody may watch. It outlasts the waits of that
// request: for the turn of its password, for the answer of a callback, for the stream. A viewer keeps it for its name.
type inquiry struct {
	facts    access.Facts
	viewer   string // who it is, as far as that is known: of view_users, of the signed URL, or as the callback says
	turned   bool   // its credentials have had their turn, see auth.Brake
	guesses  bool   // the callback has been shown a password, which nobody here can check
	awaits   bool   // an answer of the callback
	admitted bool
}

// mayWatch is the gate that every request passes which is to learn something of x.stream. If it is false, the request
// has been answered, or waits.
func (l *loop) mayWatch(c *conn, x exchange, now clock.Instant) bool {
	p, ok := l.node.viewing.of(x.stream)
	switch {
	case !ok: // the stream is no more
		l.unknown(c, x)
		return false
	case p.Policy == nil:
		return true
	}
	q := l.asking[c]
	if q == nil {
		q = &inquiry{}
		q.facts, q.viewer = p.Look(x.Query, c.listed(), len(x.Authorization) > 0, time.Now().Unix())
		l.asking[c] = q
	}
	for !q.admitted {
		step, why := p.Next(q.facts)
		switch step {
		case access.Admit:
			q.admitted = true
		case access.CheckPassword:
			if !l.checkViewer(c, x, p, q, now) {
				return false
			}
		case access.AskCallback:
			if !l.askCallback(c, x, p, q, now) {
				return false
			}
		default:
			l.turnViewerAway(c, x, p, q, step, why)
			return false
		}
	}
	return true
}

// turnViewerAway answers who may not watch.
func (l *loop) turnViewerAway(c *conn, x exchange, p viewRights, q *inquiry, step access.Step, why string) {
	x.stream.Stats().Denied.Add(1)
	switch step {
	case access.Challenge:
		l.challengeViewer(c, x, p, q.facts.Password == access.PasswordStale)
	case access.Refuse:
		l.refuse(c, x.to, 403, why)
	default:
		l.refuse(c, x.to, 503, why)
	}
}

// checkViewer finds out whether the password is right. It is false where the request has been answered, or waits.
func (l *loop) checkViewer(c *conn, x exchange, p viewRights, q *inquiry, now clock.Instant) bool {
	st, a := x.stream, l.node.viewing
	if !l.turnToGuess(c, x, q, now) {
		return false
	}
	shown := auth.Proof{Method: x.Method, Path: x.Path, Authorization: x.Authorization, From: c.remote.Addr()}
	var name string // set by the time that this loop is told
	name, v, ok := a.Judge(st.ID(), p.Users(), shown, now, func(v auth.Verdict) {
		l.tell(func(now clock.Instant) { l.verifiedViewer(c, st, q, name, v, now) })
	})
	if !ok {
		l.refuse(c, x.to, 503, "too many passwords wait to be checked, try again later")
		return false
	}
	if v == auth.Unknown {
		c.phase, c.deadline = holding, 0
		return false
	}
	l.judge(c, st, q, name, v)
	return true
}

// verifiedViewer goes on with a request whose password took long to check, unless it is gone.
func (l *loop) verifiedViewer(c *conn, st *stream.Stream, q *inquiry, name string, v auth.Verdict, now clock.Instant) {
	if l.asking[c] == q && c.phase == holding && c.why == reason.None {
		l.judge(c, st, q, name, v)
		l.unhold(c, now)
	}
}

// judge notes what credentials are worth.
func (l *loop) judge(c *conn, st *stream.Stream, q *inquiry, name string, v auth.Verdict) {
	switch v {
	case auth.Right:
		q.facts.Password, q.viewer = access.PasswordRight, name
		l.node.viewing.Right(st.ID(), c.remote.Addr())
	case auth.Stale:
		q.facts.Password = access.PasswordStale
	default:
		q.facts.Password = access.PasswordWrong
		st.Stats().WrongViewers.Add(1)
		l.log.Warn(logging.ViewWrong, "stream", st.Config().Path, "from", c.remote)
	}
}

// turnToGuess says whether it is the turn of the credentials that a request shows (see auth.Brake). If not, the request
// waits for it, or has been refused since too many do.
func (l *loop) turnToGuess(c *conn, x exchange, q *inquiry, now clock.Instant) bool {
	if q.turned {
		return true
	}
	at, ok := l.node.viewing.Turn(x.stream.ID(), c.remote.Addr(), now)
	if !ok {
		l.log.Warn(logging.ViewBraked, "stream", x.stream.Config().Path, "from", c.remote)
		l.refuse(c, x.to, 503, "too many wrong passwords from this network, try again later")
		return false
	}
	if q.turned = true; now.Before(at) {
		c.phase, c.deadline = holding, at
		return false
	}
	return true
}

// challengeViewer asks for credentials and closes: the players that can show them come again on a new connection as
// well, and others would wait for more. Who has no view_users gets to the callback with Basic alone.
func (l *loop) challengeViewer(c *conn, x exchange, p viewRights, stale bool) {
	offers := []string{auth.BasicChallenge}
	if len(p.Users()) > 0 {
		offers = p.Users().Challenge(x.AcceptAuth, c.remote.Addr(), stale, time.Now())
	}
	var fields []string
	for _, o := range offers {
		fields = append(fields, "WWW-Authenticate", o)
	}
	l.refuse(c, x.to, 401, "this stream wants a name and a password", fields...)
}

// askCallback finds out what the callback says. It is false where the request waits for that.
func (l *loop) askCallback(c *conn, x exchange, p viewRights, q *inquiry, now clock.Instant) bool {
	if q.awaits { // and has done so for too long
		q.facts.Callback = access.CallbackFails
		return true
	}
	st := x.stream
	ask := access.Question{
		Path: access.Path(st.Config()), Agent: agentName(x.UserAgent), User: q.viewer, Query: string(x.Query),
	}
	if len(p.Users()) == 0 && len(x.Authorization) > 0 {
		if !l.turnToGuess(c, x, q, now) {
			return false
		}
		ask.User, ask.Password, q.guesses = auth.ParseBasic(x.Authorization)
	}
	a, known := p.caller.Ask(ask, c.remote.Addr(), time.Now(), func(a access.Answer) {
		l.tell(func(now clock.Instant) { l.answered(c, st, q, a, now) })
	})
	if known {
		l.learn(c, st, q, a, now)
		return true
	}
	const slack = time.Second
	q.awaits = true
	c.phase, c.deadline = holding, now.Add(p.caller.Timeout+slack)
	return false
}

// answered goes on with a request that has waited for the callback, unless it is gone.
func (l *loop) answered(c *conn, st *stream.Stream, q *inquiry, a access.Answer, now clock.Instant) {
	if l.asking[c] != q || c.phase != holding || c.why != reason.None {
		return
	}
	l.learn(c, st, q, a, now)
	l.unhold(c, now)
}

// learn notes what the callback has said.
func (l *loop) learn(c *conn, st *stream.Stream, q *inquiry, a access.Answer, now clock.Instant) {
	q.awaits = false
	q.facts.Callback, q.facts.Why = a.Callback, a.Why
	if a.User != "" {
		q.viewer = a.User
	}
	switch {
	case !q.guesses:
	case a.Callback == access.CallbackAllows:
		l.node.viewing.Right(st.ID(), c.remote.Addr())
	case a.Callback == access.CallbackDenies, a.Callback == access.CallbackPassword:
		l.node.viewing.Wrong(st.ID(), c.remote.Addr(), now)
		st.Stats().WrongViewers.Add(1)
		l.log.Warn(logging.ViewWrong, "stream", st.Config().Path, "from", c.remote)
	}
}

// settle ends the inquiry about a request that is over. A viewer's stays if it has a name in it.
func (l *loop) settle(c *conn) {
	if c.phase != viewing || l.viewerOn(c) == "" {
		delete(l.asking, c)
	}
}

// viewerOn is what is known of who watches on c, "" for nothing.
func (l *loop) viewerOn(c *conn) string {
	if q := l.asking[c]; q != nil {
		return q.viewer
	}
	return ""
}
