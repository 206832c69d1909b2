package server

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"pumpd/server/admin"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// What the admin asks of the loops about their connections. Whoever asks goes through them piece by piece, and comes
// for the next piece when it has the last one, so that a loop with many serves its viewers in between:
//
//	admin's goroutine ── tell ─▶ loop: a piece of conns ── where to go on ─▶ admin's goroutine ── tell ─▶ …

// pieceOfConns is how many descriptors are looked at in one call of a loop: some 50 µs at the most.
const pieceOfConns = 512

// A visitor looks at a conn on its loop, and is false where that is enough.
type visitor func(l *loop, c *conn, now clock.Instant) (goOn bool)

// walk has all conns visited from a spot on, one after the other. do is not called when it has returned.
func (n *node) walk(ctx context.Context, at spot, do visitor) error {
	for ; int(at.loop) < len(n.loops); at = (spot{loop: at.loop + 1}) {
		l := n.loops[at.loop]
		for goOn := true; goOn && l.turned.Load() != 0; { // else it has never had a conn, and does nothing
			p, err := l.askPiece(ctx, int(at.fd), do)
			if p.enough || err != nil {
				return err
			}
			at.fd, goOn = p.next, p.more
		}
	}
	return nil
}

// askPiece has the loop visit some of its conns, unless ctx is done before it does.
func (l *loop) askPiece(ctx context.Context, from int, do visitor) (piece, error) {
	var settled atomic.Bool // it does, or it is too late
	done := make(chan piece, 1)
	l.tell(func(now clock.Instant) {
		if settled.CompareAndSwap(false, true) {
			done <- l.visitPiece(from, now, do)
		}
	})
	select {
	case p := <-done:
		return p, nil
	case <-ctx.Done():
		if settled.CompareAndSwap(false, true) {
			return piece{}, ctx.Err()
		}
		return <-done, nil
	}
}

// A piece is what came of visiting some of a loop's conns.
type piece struct {
	next   int32 // descriptor to go on with
	more   bool  // there may be conns from there on
	enough bool  // nobody wants them
}

func (l *loop) visitPiece(from int, now clock.Instant, do visitor) piece {
	l.owner.check()
	end := min(from+pieceOfConns, len(l.conns))
	for fd := from; fd < end; fd++ {
		if c := l.conns[fd]; c != nil && !do(l, c, now) {
			return piece{enough: true}
		}
	}
	return piece{next: int32(end), more: end < len(l.conns)}
}

// viewers gives those that a question is about, in an order that stays.
func (s *Server) viewers(ctx context.Context, q admin.ViewerQuery) (list []admin.Viewer, err error) {
	from := spot{loop: int32(q.After.Loop), fd: q.After.FD}
	if q.After.Joined != 0 {
		from.fd++
	}
	err = s.node.walk(ctx, from, func(l *loop, c *conn, now clock.Instant) bool {
		if v, ok := l.sight(c, &q, now); ok {
			list = append(list, v)
		}
		return len(list) < q.Most
	})
	return list, err
}

// sight is what the admin is shown of a conn; ok is false if the question is about others.
func (l *loop) sight(c *conn, q *admin.ViewerQuery, now clock.Instant) (v admin.Viewer, ok bool) {
	if !l.isAbout(c, q.Stream, q.Network) {
		return v, false
	}
	agent := c.who.Value().agent
	if q.Agent != "" && !strings.Contains(strings.ToLower(agent), strings.ToLower(q.Agent)) {
		return v, false
	}
	had, w := l.hub.StayOf(c.viewer, now), c.viewer
	if q.Behind && had.Lag == 0 && !w.Blocked() {
		return v, false
	}
	return admin.Viewer{
		ID:     admin.ViewerID{Loop: l.id, FD: c.fd, Joined: w.Joined()},
		Stream: had.Stream.Config().Path, From: c.remote, Agent: agent, Name: l.viewerOn(c),
		Dialect: had.Dialect, Relay: w.Relay(), TLS: c.secure(), Age: had.Length,
		Bytes: had.Bytes, Skips: had.Skips, Lag: had.Lag, Blocked: w.Blocked(),
	}, true
}

// isAbout says whether c is a viewer of a stream, "" is any, in a network, the zero one is any.
func (l *loop) isAbout(c *conn, stream string, network netip.Prefix) bool {
	return c.viewer != nil && c.why == reason.None &&
		(stream == "" || strings.EqualFold(c.viewer.Stream().Config().Path, stream)) &&
		(!network.IsValid() || network.Contains(c.remote.Addr().WithZone("")))
}

// secure says whether the peer speaks TLS.
func (c *conn) secure() bool {
	switch c.wire.(type) {
	case *tlsWire, *relayed:
		return true
	}
	return false
}

var errNobody = errors.New("kick: want a viewer, a stream or a network")

// kick ends viewers as their source would, and says how many.
func (s *Server) kick(ctx context.Context, k admin.Kick) (n int, err error) {
	switch {
	case k.Viewer.Joined != 0:
		return s.kickOne(ctx, k.Viewer)
	case k.Stream == "" && !k.Network.IsValid():
		return 0, errNobody
	}
	err = s.node.walk(ctx, spot{}, func(l *loop, c *conn, now clock.Instant) bool {
		if l.isAbout(c, k.Stream, k.Network) {
			l.dismiss(c, reason.Kicked, now)
			n++
		}
		return true
	})
	return n, err
}

func (s *Server) kickOne(ctx context.Context, id admin.ViewerID) (n int, err error) {
	at := spot{loop: int32(id.Loop), fd: id.FD}
	err = s.node.walk(ctx, at, func(l *loop, c *conn, now clock.Instant) bool {
		if l.id == id.Loop && c.fd == id.FD && c.viewer != nil && c.viewer.Joined() == id.Joined {
			l.dismiss(c, reason.Kicked, now)
			n++
		}
		return false
	})
	return n, err
}

// ban has nobody in from a network, and ends whoever is there; it says how many connections those were.
func (s *Server) ban(ctx context.Context, b bans.Ban) (n int, err error) {
	if err := s.gate.bans.Add(b, time.Now()); err != nil {
		return 0, err
	}
	err = s.node.walk(ctx, spot{}, func(l *loop, c *conn, now clock.Instant) bool {
		if c.why == reason.None && b.Network.Contains(c.remote.Addr().WithZone("")) {
			l.expel(c, now)
			n++
		}
		return true
	})
	return n, err
}

// expel ends a conn of a network that is banned, whatever it is.
func (l *loop) expel(c *conn, now clock.Instant) {
	switch {
	case c.viewer != nil:
		l.dismiss(c, reason.Banned, now)
	case c.phase == feeding:
		l.dropEncoder(c, 403, bannedText, reason.Banned)
	default:
		l.mark(c, reason.Banned)
	}
}
