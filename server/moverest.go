package server

import (
	"fmt"
	"net/netip"
	"time"

	"pumpd/server/access"
	"pumpd/server/auth"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/handover"
	"pumpd/server/line"
	"pumpd/server/stream"
)

// What moves to another process beside streams and connections: what clients were given and come back with, who is not
// to come back, and what the pump has learned and counted.

// How many of each are told in one message. With push-ids there are headers.
const (
	movedMost    = 4096
	movedPushes  = 64
	movedAnswers = 4096 // of one callback
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

// guessersOf are who has shown wrong passwords to streams, by the places of those.
func guessersOf(r *auth.Record, places map[*stream.Stream]int, now clock.Instant) (list []auth.Guesser) {
	byID := map[int]int{}
	for st, place := range places {
		byID[st.ID()] = place
	}
	for _, g := range r.Guessers(now) {
		if place, moves := byID[g.Stream]; moves {
			g.Stream = place
			list = append(list, g)
		}
	}
	return list
}

// remember takes those of another process up.
func remember(r *auth.Record, list []auth.Guesser, streams []arrivingStream, now clock.Instant) error {
	for _, g := range list {
		if g.Stream < 0 || g.Stream >= len(streams) {
			return fmt.Errorf("wrong passwords: stream %d of %d", g.Stream, len(streams))
		}
		g.Stream = streams[g.Stream].stream.ID()
		if err := r.Remember(g, now); err != nil {
			return err
		}
	}
	return nil
}

// answers are those of all callbacks, in pieces for a message each.
func (a *viewAccess) answers(now time.Time) (list []access.Snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.callers {
		list = append(list, c.Snapshots(movedAnswers, now)...)
	}
	return list
}

// know takes answers of another process up, where the same callback is asked here.
func (a *viewAccess) know(s *access.Snapshot, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.callers[s.Service]; c != nil {
		return c.Restore(s, now)
	}
	return nil
}

// A movedNode is what is left, or a part of it.
type movedNode struct {
	Sessions     []movedSession
	Pushes       []movedPushSession
	Bans         []bans.Ban
	PushGuessers []auth.Guesser    // of streams by their places
	ViewGuessers []auth.Guesser    // likewise
	Answers      []access.Snapshot // secrets
	Pump         *movedPump        // nil: another part has it
}

// A movedPump is what there is one of.
type movedPump struct {
	Line   line.Snapshot
	Counts movedCounts
}

// leaveNode is all of it.
func (s *Server) leaveNode(places map[*stream.Stream]int) movedNode {
	now, today := s.clock.Now(), time.Now()
	return movedNode{
		Sessions: s.node.sessions.all(), Pushes: s.node.access.all(places), Bans: s.gate.bans.All(today),
		PushGuessers: guessersOf(s.node.access.Record, places, now),
		ViewGuessers: guessersOf(s.node.viewing.Record, places, now),
		Answers:      s.node.viewing.answers(today),
		Pump:         &movedPump{s.node.line.Snapshot(), *s.counted()},
	}
}

// takeUp takes it up, as far as it is right.
func (s *Server) takeUp(m *movedNode, streams []arrivingStream) error {
	now, today := s.clock.Now(), time.Now()
	for i := range m.Sessions {
		s.node.sessions.add(m.Sessions[i])
	}
	for i := range m.Pushes {
		if err := s.node.access.add(&m.Pushes[i], streams, now); err != nil {
			return err
		}
	}
	s.gate.bans.AddAll(m.Bans, today)
	if err := remember(s.node.access.Record, m.PushGuessers, streams, now); err != nil {
		return err
	}
	if err := remember(s.node.viewing.Record, m.ViewGuessers, streams, now); err != nil {
		return err
	}
	for i := range m.Answers {
		if err := s.node.viewing.know(&m.Answers[i], today); err != nil {
			return err
		}
	}
	if p := m.Pump; p != nil {
		s.count(&p.Counts)
		return s.node.line.Restore(&p.Line, now)
	}
	return nil
}

// send sends it, in pieces that are not too large for a message.
func (m movedNode) send(to *handover.Conn) error {
	for {
		part := movedNode{
			Sessions: firstOf(&m.Sessions, movedMost), Pushes: firstOf(&m.Pushes, movedPushes),
			Bans: firstOf(&m.Bans, movedMost), PushGuessers: firstOf(&m.PushGuessers, movedMost),
			ViewGuessers: firstOf(&m.ViewGuessers, movedMost), Answers: firstOf(&m.Answers, 1), Pump: m.Pump,
		}
		if err := to.Send(kindNode, &part); err != nil {
			return err
		}
		m.Pump = nil
		if len(m.Sessions)+len(m.Pushes)+len(m.Bans)+len(m.PushGuessers)+len(m.ViewGuessers)+len(m.Answers) == 0 {
			return nil
		}
	}
}

// firstOf takes as many from the front as go into a message.
func firstOf[T any](list *[]T, most int) (first []T) {
	first = (*list)[:min(len(*list), most)]
	*list = (*list)[len(first):]
	return first
}
