package server

import (
	"math/rand/v2"
	"time"
)

// A session is what a client-id stands for (mmsh.md §4.3): it joins a client's Describe, Play, Log and KeepAlive, which
// come on connections of their own.
//
// There is one for each viewer, so it is small: the second of the server's life in which it ends unless it is used
// before, or 0 while a Play is running; then it does not end, and a second Play fails.
type session uint32

const playing session = 0

// idleSession is a session that is used now and has no Play.
func idleSession(now instant) session {
	return session(time.Duration(now.add(sessionLife))/time.Second) + 1
}

func (s session) over(now instant) bool {
	return s != playing && session(time.Duration(now)/time.Second) >= s
}

const (
	sessionLife = 60 * time.Second
	maxSessions = 1 << 17 // beyond, a Describe flood would own the memory; idle ids are forgotten
)

// openSession returns a new client-id: random, because whoever guesses one could speak for its owner.
func (r *registry) openSession(now instant, play bool) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sessions) >= maxSessions {
		r.dropSessions(func(s session) bool { return s != playing })
	}
	for {
		id := rand.Uint32()
		if _, taken := r.sessions[id]; id != 0 && !taken {
			s := idleSession(now)
			if play {
				s = playing
			}
			r.sessions[id] = s
			return id
		}
	}
}

// A sessionUse is what came of using a client-id.
type sessionUse uint8

const (
	sessionKnown   sessionUse = iota
	sessionUnknown            // never given out, or over
	sessionPlaying            // for Play: it has one already
)

// useSession prolongs a session; play starts its Play.
func (r *registry) useSession(id uint32, now instant, play bool) sessionUse {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sessions[id]
	switch {
	case !ok || s.over(now):
		return sessionUnknown
	case play && s == playing:
		return sessionPlaying
	case play:
		r.sessions[id] = playing
	case s != playing:
		r.sessions[id] = idleSession(now)
	}
	return sessionKnown
}

// stopSession ends the Play of a session, and says whether there was one; its Log may still come.
func (r *registry) stopSession(id uint32, now instant) (played bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sessions[id]
	if ok {
		r.sessions[id] = idleSession(now)
	}
	return ok && s == playing
}

func (r *registry) forgetSessions(now instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropSessions(func(s session) bool { return s.over(now) })
}

func (r *registry) dropSessions(over func(session) bool) {
	for id, s := range r.sessions {
		if over(s) {
			delete(r.sessions, id)
		}
	}
}
