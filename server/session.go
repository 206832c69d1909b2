package server

import (
	"net/netip"
	"sync"
	"time"

	"pumpd/server/clock"
)

// A session is what a client-id stands for (mmsh.md §4.3): it joins a client's Describe, Play, Log and KeepAlive, which
// come on connections of their own.
//
// There is one for each viewer, so it is small and has no pointers.
type session struct {
	from  [16]byte // the address that it was given to: to others it does not exist, so a guessed id is of no use to them
	ends  uint32   // second since the server's start in which it ends unless it is used before; or playing
	plays spot     // where its Play is, or was

	aging    bool // it is in sessions.ages
	reported bool // its last Play has had its report
}

// sessions are those of the whole process. Any goroutine.
type sessions struct {
	mu   sync.Mutex
	byID map[uint32]session
	ages []age // of those without a Play, roughly the oldest first
	peak int   // the most there were in byID, which Go never makes smaller
}

func newSessions() *sessions { return &sessions{byID: make(map[uint32]session)} }

// A spot is where a viewer is: on which loop and behind which descriptor. Someone else may be there by now.
type spot struct{ loop, fd int32 }

// playing is session.ends while a Play is running: the session does not end, and a second Play of it is refused.
const playing = 0

func newSession(from netip.Addr, now clock.Instant, play bool) session {
	s := session{from: from.As16()}
	s.use(now, play)
	return s
}

// use has s end later, or, if it has a Play now, not at all.
func (s *session) use(now clock.Instant, play bool) {
	s.ends = playing
	if !play {
		s.ends = uint32(time.Duration(now.Add(sessionLife))/time.Second) + 1
	}
}

func (s session) over(now clock.Instant) bool {
	return s.ends != playing && uint32(time.Duration(now)/time.Second) >= s.ends
}

const (
	sessionLife = 60 * time.Second
	maxSessions = 1 << 17 // a flood of Describes must not fill the memory: beyond, the oldest without a Play is forgotten
)

// open begins a session for an address, with a Play or without, and returns its client-id.
func (t *sessions) open(from netip.Addr, now clock.Instant, play bool) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	const forgotten = 2 // for each that comes, so that a flood does not run ahead of forget
	t.forgetSome(now, forgotten)
	t.makeRoom()
	for {
		id := randomID()
		if _, taken := t.byID[id]; !taken {
			s := newSession(from, now, play)
			t.age(id, &s)
			t.byID[id] = s
			t.peak = max(t.peak, len(t.byID))
			return id
		}
	}
}

// A sessionUse is what came of using a client-id.
type sessionUse uint8

const (
	sessionKnown   sessionUse = iota
	sessionUnknown            // never given out, or to another address, or over
	sessionPlaying            // for Play: it has one already
)

// use prolongs a session; play starts its Play.
func (t *sessions) use(id uint32, from netip.Addr, now clock.Instant, play bool) sessionUse {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[id]
	switch {
	case !ok || s.from != from.As16() || s.over(now):
		return sessionUnknown
	case play && s.ends == playing:
		return sessionPlaying
	}
	s.use(now, play || s.ends == playing)
	s.reported = s.reported && !play
	t.byID[id] = s
	return sessionKnown
}

// report says whether a report of a session may count: there is one for each Play, and none for who has only asked.
func (t *sessions) report(id uint32, from netip.Addr, now clock.Instant) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[id]
	if !ok || s.from != from.As16() || s.over(now) || s.plays == (spot{}) || s.reported {
		return false
	}
	s.reported = true
	t.byID[id] = s
	return true
}

// playsAt notes where the Play of a session is, so that its Stop need not look for it among all viewers.
func (t *sessions) playsAt(id uint32, at spot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.byID[id]; ok {
		s.plays = at
		t.byID[id] = s
	}
}

// stop notes that the Play of a session is over, and says whether there was one and where; the caller ends the viewer.
// The session stays: the player's statistics may still come.
func (t *sessions) stop(id uint32, from netip.Addr, now clock.Instant) (at spot, played bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[id]
	if !ok || s.from != from.As16() {
		return spot{}, false
	}
	played = s.ends == playing
	s.use(now, false)
	t.age(id, &s)
	t.byID[id] = s
	return s.plays, played
}
