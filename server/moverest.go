package server

import (
	"fmt"
	"net/netip"
	"time"

	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/handover"
	"pumpd/server/stream"
)

// What moves to another process beside streams and connections: what clients were given and come back with, and who is
// not to come back.

// How many of each are told in one message. With push-ids there are headers.
const (
	movedMost   = 8192
	movedPushes = 64
)

// A movedSession is a session. Where its Play is, its viewer tells.
type movedSession struct {
	ID      uint32
	From    [16]byte
	Ends    uint32
	Playing bool
}

// all are those that there are now.
func (t *sessions) all() (list []movedSession) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, s := range t.byID {
		list = append(list, movedSession{id, s.from, s.ends, s.ends == playing})
	}
	return list
}

// add takes up one of another process.
func (t *sessions) add(m movedSession) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRoom()
	s := session{from: m.From, ends: m.Ends}
	if m.Playing {
		s.ends = playing
	}
	t.age(m.ID, &s)
	t.byID[m.ID] = s
	t.peak = max(t.peak, len(t.byID))
}

// A movedPushSession is a pushSession.
type movedPushSession struct {
	Stream int
	ID     string // a secret
	From   netip.Addr
	Ends   clock.Instant
	Last   []byte // header as published; nil: none
}

// all are those of streams, by their places.
func (a *pushAccess) all(places map[*stream.Stream]int) (list []movedPushSession) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for st, place := range places {
		for _, s := range *a.sessionsOf(st) {
			m := movedPushSession{Stream: place, ID: s.id, From: s.from, Ends: s.ends}
			if s.last != nil {
				m.Last = s.last.Raw
			}
			list = append(list, m)
		}
	}
	return list
}

// add takes up one of another process.
func (a *pushAccess) add(m *movedPushSession, streams []arrivingStream, now clock.Instant) error {
	if m.Stream < 0 || m.Stream >= len(streams) {
		return fmt.Errorf("push-id: stream %d of %d", m.Stream, len(streams))
	}
	last, err := publishedHeader(m.Last)
	if err != nil {
		return fmt.Errorf("push-id: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessionsOf(streams[m.Stream].stream).add(pushSession{id: m.ID, from: m.From, ends: m.Ends, last: last}, now)
	return nil
}

// A movedNode is what is left.
type movedNode struct {
	Sessions []movedSession
	Pushes   []movedPushSession
	Bans     []bans.Ban
}

// takeUp takes it up, as far as it is right.
func (s *Server) takeUp(m *movedNode, streams []arrivingStream) error {
	for i := range m.Sessions {
		s.node.sessions.add(m.Sessions[i])
	}
	for i := range m.Pushes {
		if err := s.node.access.add(&m.Pushes[i], streams, s.clock.Now()); err != nil {
			return err
		}
	}
	now := time.Now()
	for _, b := range m.Bans {
		_ = s.gate.bans.Add(b, now) // one that is over by now is refused
	}
	return nil
}

// send sends it, in pieces that are not too large for a message.
func (m *movedNode) send(to *handover.Conn) error {
	for {
		part := movedNode{
			Sessions: firstOf(&m.Sessions, movedMost), Pushes: firstOf(&m.Pushes, movedPushes),
			Bans: firstOf(&m.Bans, movedMost),
		}
		if len(part.Sessions)+len(part.Pushes)+len(part.Bans) == 0 {
			return nil
		}
		if err := to.Send(kindNode, &part); err != nil {
			return err
		}
	}
}

// firstOf takes as many from the front as go into a message.
func firstOf[T any](list *[]T, most int) (first []T) {
	first = (*list)[:min(len(*list), most)]
	*list = (*list)[len(first):]
	return first
}
