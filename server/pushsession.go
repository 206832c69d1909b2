package server

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"pumpd/asf"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A pushSession is what a push-id stands for: a setup that was admitted, so that its PushStart is admitted without a
// password; encoders authenticate in the setup only (push.md §3).
type pushSession struct {
	id   string
	from netip.Addr
	ends clock.Instant
	last *asf.Header // the newest header that came with it, as published; nil: none yet
}

// pushSessions are those of one stream, in no order; each stream has its own limit, so that pushes to one do not use up
// another's. Under the mutex of pushAccess.
type pushSessions []pushSession

const (
	maxPushes        = 32 // of a stream
	maxNetworkPushes = 8  // of a stream, from one network, see auth.NetworkOf
)

// pushLife is how long a push-id stays good after a start: a body lasts hours, and an encoder that lost its link comes
// back with the same id.
const pushLife = 24 * time.Hour

// find gives the session of a push-id, nil if there is none.
func (l pushSessions) find(id string) *pushSession {
	if i := slices.IndexFunc(l, func(s pushSession) bool { return auth.Same(s.id, id) }); i >= 0 {
		return &l[i]
	}
	return nil
}

// add makes room for a session and adds it.
func (l *pushSessions) add(s pushSession, now clock.Instant) {
	*l = slices.DeleteFunc(*l, func(o pushSession) bool { return o.ends.Before(now) })
	same := func(o pushSession) bool { return auth.NetworkOf(o.from) == auth.NetworkOf(s.from) }
	switch {
	case l.count(same) >= maxNetworkPushes:
		l.evict(same)
	case len(*l) >= maxPushes:
		l.evict(func(pushSession) bool { return true })
	}
	*l = append(*l, s)
}

func (l pushSessions) count(of func(pushSession) bool) (n int) {
	for _, s := range l {
		if of(s) {
			n++
		}
	}
	return n
}

// evict drops one of the sessions that among says true of, of which there is at least one: rather one that has sent
// nothing than one that has, then one of the network that has most, then the one that ends first.
func (l *pushSessions) evict(among func(pushSession) bool) {
	var victim pushSession
	var worth [2]int
	for _, s := range *l {
		if !among(s) {
			continue
		}
		w := [2]int{0, -l.count(func(o pushSession) bool { return auth.NetworkOf(o.from) == auth.NetworkOf(s.from) })}
		if s.last != nil {
			w[0] = 1
		}
		if victim.id == "" || cmp.Or(slices.Compare(w[:], worth[:]), cmp.Compare(s.ends, victim.ends)) < 0 {
			victim, worth = s, w
		}
	}
	l.drop(victim.id)
}

func (l *pushSessions) drop(id string) {
	*l = slices.DeleteFunc(*l, func(s pushSession) bool { return auth.Same(s.id, id) })
}

// open begins a session and returns its push-id.
func (a *pushAccess) open(st *stream.Stream, from netip.Addr, now, ends clock.Instant) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := strconv.FormatUint(uint64(randomID()), 10) // at most 10 digits (push.md §10)
	for a.sessionsOf(st).find(id) != nil {
		id = strconv.FormatUint(uint64(randomID()), 10)
	}
	a.sessionsOf(st).add(pushSession{id: id, from: from, ends: ends}, now)
	return id
}

// know gives the session of a push-id; false: there is none of this stream. Where it stands for a password it is good
// from its own address only.
func (a *pushAccess) know(id string, st *stream.Stream, from netip.Addr, now clock.Instant) (pushSession, bool) {
	if st == nil {
		return pushSession{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessionsOf(st).find(id)
	if s == nil || s.from != from && len(a.of(st).users) > 0 || s.ends.Before(now) {
		return pushSession{}, false
	}
	return *s, true
}

// prolong is for an encoder at an address that has been let in: it has the session of its push-id, if there is one,
// end at ends, and be good for this address, whichever it had before. false: there is none.
func (a *pushAccess) prolong(id string, st *stream.Stream, from netip.Addr, now, ends clock.Instant) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessionsOf(st).find(id)
	if s == nil || s.ends.Before(now) {
		return false
	}
	s.from, s.ends = from, ends
	return true
}

// use has the session of a push-id end at ends, and be good for this address.
func (a *pushAccess) use(id string, st *stream.Stream, from netip.Addr, ends clock.Instant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessionsOf(st).find(id); s != nil {
		s.from, s.ends = from, ends
	}
}

// session keeps p, its address and its header, under its push-id for life from now on.
func (p *push) session(life time.Duration) {
	p.access.keep(p.stream, pushSession{id: p.id, from: p.from, last: p.last}, p.stream.Clock().Now(), life)
}

// keep replaces the session of s's push-id by s, for life from now on.
func (a *pushAccess) keep(st *stream.Stream, s pushSession, now clock.Instant, life time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.ends = now.Add(life)
	a.sessionsOf(st).drop(s.id)
	a.sessionsOf(st).add(s, now)
}

// drop forgets a push-id whose session is over.
func (a *pushAccess) drop(st *stream.Stream, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessionsOf(st).drop(id)
}
