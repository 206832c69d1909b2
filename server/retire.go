package server

import (
	"slices"

	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// retire ends streams that are not in the configuration any more, and pushes of others that are unwanted now: viewers
// and encoders are told, sources go. Each loop looks through its connections once.
func (s *Server) retire(removed []*stream.Stream, unwanted map[*stream.Stream]dismissal) {
	for _, st := range removed {
		unwanted[st] = dismissal{everyPush, 404, "this stream is no more", reason.StreamRemoved}
	}
	if len(unwanted) == 0 {
		return
	}
	s.node.tell(func(l *loop, now clock.Instant) {
		l.endPushes(unwanted)
		l.retire(removed, now)
	})
	for _, st := range removed {
		s.node.ledger.Forget(st.ID())
		s.stopTasks(st)
		st.Retire()
	}
}

// A dismissal is why pushes to a stream have to end.
type dismissal struct {
	of   func(*conn) bool // which of them; called on their loops. nil: none
	code int
	text string
	why  reason.Reason
}

func everyPush(*conn) bool { return true }

// pushKeys say who may push.
var pushKeys = []string{"streams[].push_users", "streams[].push_from", "streams[].push_certs"}

// dismissalOf is that of the pushes of a stream that has another kind of source now, or where others may push than
// before. Whoever has shown a password must show one again where any has been taken away: which one it was is not
// remembered. An encoder that may push comes back at once.
func (s *Server) dismissalOf(st *stream.Stream, d config.StreamChange) dismissal {
	if d.From.Type != d.To.Type {
		return dismissal{everyPush, 403, "this stream has a source of its own now", reason.Replaced}
	}
	if !common(pushKeys, d.Keys) {
		return dismissal{}
	}
	gone := func(user auth.Secret) bool { return !slices.Contains(d.To.PushUsers, user) }
	anew := slices.ContainsFunc(d.From.PushUsers, gone) || len(d.From.PushUsers) == 0 && len(d.To.PushUsers) > 0
	if anew {
		s.node.access.forgetIDs(st)
	}
	rights := s.node.access.of(st)
	return dismissal{func(c *conn) bool {
		c.push.barred = anew || rights.bars(c.listed(), c.local(), c.certificate()) != ""
		return c.push.barred
	}, 403, "who may push to this stream has changed", reason.Refused}
}

// retire ends what the loop has of streams that are no more. Whoever waits for one asks again, and is told so.
func (l *loop) retire(streams []*stream.Stream, now clock.Instant) {
	for _, st := range streams {
		l.unholdAll(st, now)
	}
	l.hub.Retire(streams, reason.StreamRemoved, now)
}

// endPushes tells encoders that they are not wanted any more.
func (l *loop) endPushes(unwanted map[*stream.Stream]dismissal) {
	l.owner.check()
	for _, c := range l.conns {
		if c == nil || c.push == nil {
			continue
		}
		switch o := unwanted[c.push.stream]; {
		case o.of == nil || !o.of(c):
		case c.phase == feeding:
			l.dropEncoder(c, o.code, o.text, o.why)
		default:
			l.mark(c, o.why)
		}
	}
}
