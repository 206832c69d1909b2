package server

import (
	"net/netip"
	"strconv"
	"time"

	"pumpd/asf"
)

// A pushSession is what a push-id stands for: a setup that was let in, so that its PushStart is too; encoders
// authenticate in the setup only (push.md §3).
type pushSession struct {
	stream *stream
	from   netip.Addr
	ends   instant
	last   *asf.Header // that came with it, as published; nil: none yet
}

// Bounds of the push-ids of one address, and of all: some networks have more addresses than we have memory. The one that
// ends first makes room.
const (
	maxPushes    = 64
	maxAllPushes = 1024
)

// pushLife is how long a push-id stays good after a start: a body lasts hours, and an encoder that lost its link comes
// back with the same id.
const pushLife = 24 * time.Hour

func newPushID() string { return strconv.FormatUint(uint64(randomID()), 10) }

// openPush returns the push-id of a new session.
func (r *registry) openPush(st *stream, from netip.Addr, now, ends instant) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	same, first, firstOfAll := 0, "", ""
	for id, s := range r.pushes {
		if s.ends.before(now) {
			delete(r.pushes, id)
			continue
		}
		if firstOfAll == "" || s.ends.before(r.pushes[firstOfAll].ends) {
			firstOfAll = id
		}
		if s.from != from {
			continue
		}
		if same++; first == "" || s.ends.before(r.pushes[first].ends) {
			first = id
		}
	}
	switch {
	case same >= maxPushes:
		delete(r.pushes, first)
	case len(r.pushes) >= maxAllPushes:
		delete(r.pushes, firstOfAll)
	}
	id := newPushID()
	r.pushes[id] = pushSession{stream: st, from: from, ends: ends}
	return id
}

// usePush says whether a push-id was given out for this stream, and what for; it is good until ends then. Where it stands
// for a password it is good from its own address only.
func (r *registry) usePush(id string, st *stream, from netip.Addr, now, ends instant) (s pushSession, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok = r.pushes[id]
	if !ok || s.stream != st || s.from != from && len(st.users) > 0 || s.ends.before(now) {
		return pushSession{}, false
	}
	s.from, s.ends = from, ends
	r.pushes[id] = s
	return s, true
}

// session makes the push-id stand for what p is, for so long.
func (p *push) session(life time.Duration) {
	r := p.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pushes[p.id] = pushSession{stream: p.stream, from: p.from, ends: r.clock.now().add(life), last: p.last}
}

// dropPush forgets a push-id whose session is over.
func (r *registry) dropPush(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pushes, id)
}
