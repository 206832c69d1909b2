package server

import (
	"strings"
	"sync"
	"time"
)

// The registry knows the streams by name and who writes each. No round and no publish takes its mutex.
type registry struct {
	// Set by newRegistry, never changed.
	streams []*stream
	byPath  map[string]*stream // lower case
	clock   clock
	grace   time.Duration

	mu sync.Mutex // of the streams' claims
}

func newRegistry(c clock, grace time.Duration, streams []*stream) *registry {
	r := &registry{
		streams: streams,
		byPath:  make(map[string]*stream, len(streams)),
		clock:   c,
		grace:   grace,
	}
	for _, st := range streams {
		r.byPath[strings.ToLower(st.cfg.Path)] = st
		st.reg = r
	}
	return r
}

// find gives the stream of a path as it stands in a URL, in any case. It does not allocate.
func (r *registry) find(path []byte) *stream {
	var low [maxPathLen]byte
	if len(path) > len(low) {
		return nil
	}
	for i, c := range path {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return r.byPath[string(low[:len(path)])]
}

const maxPathLen = 128

// An heir waits for a stream's owner to let go; granted is called once, under the registry's mutex, with its claim.
type heir struct {
	source  *source
	granted func()
}

// claim makes the caller the stream's only writer until it lets go by itself. errBusy if somebody is.
func (st *stream) claim(kind sourceKind, who string) (*source, error) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.owner != nil || st.heir != nil {
		return nil, errBusy
	}
	st.owner = &source{stream: st, kind: kind, who: who, since: st.clock.now()}
	return st.owner, nil
}

// inherit makes s the stream's writer, at once with done = true if nobody is, else when the owner, who is asked to, has
// let go; then it calls granted from the owner's goroutine. errBusy if another heir is already waiting.
func (st *stream) inherit(s *source, granted func()) (done bool, err error) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.heir != nil {
		return false, errBusy
	}
	s.stream, s.since = st, st.clock.now()
	if st.owner == nil {
		st.owner = s
		return true, nil
	}
	if st.owner.evict == nil {
		return false, errBusy
	}
	s.before = st.owner.who
	st.heir = &heir{source: s, granted: granted}
	st.owner.evict()
	return false, nil
}

// release ends a claim; orphan says that viewers are to wait for the next one. A source that waited to inherit is
// simply forgotten.
func (r *registry) release(s *source, orphan bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := s.stream
	if st.heir != nil && st.heir.source == s {
		st.heir = nil
		return
	}
	if st.owner != s {
		return
	}
	st.vacate(r.clock.now(), orphan)
}

// vacate gives the claim to the heir, or to nobody. For whoever holds the registry's mutex.
func (st *stream) vacate(since instant, orphan bool) {
	patience := st.reg.grace
	if st.owner != nil && st.owner.ended {
		patience = min(patience, endedGrace)
	}
	if st.heir != nil { // see succeed
		patience = max(patience, keyPatience)
	}
	st.keepPlace(since, orphan)
	st.left(since, patience)
	st.owner = nil
	if orphan && st.joins.Load() != nil {
		st.setState(streamOrphaned)
	}
	if h := st.heir; h != nil {
		st.heir, st.owner = nil, h.source
		h.granted()
	}
}

// endedGrace is how long viewers wait for an upstream that has said $E. It has ended (clients.md §7); but VLC says so
// each time that it begins its file anew, and many a server when it is restarted, and then it is back by now.
const endedGrace = 5 * time.Second

// owned says who writes a stream now, nil if nobody.
func (r *registry) owned(st *stream) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return st.owner
}

// reap ends the streams whose source has been away for longer than the grace.
func (r *registry) reap(now instant) {
	for _, st := range r.streams {
		if s := r.claimOrphan(st, now); s != nil {
			st.log.Warn("source did not come back", "grace", st.patience)
			s.end()
		}
	}
}

func (r *registry) claimOrphan(st *stream, now instant) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.owner != nil || st.currentState() != streamOrphaned || now.since(st.vacant) < st.patience {
		return nil
	}
	st.owner = &source{stream: st, kind: sourceReaper, evict: func() {}} // it lets go by itself, soon
	return st.owner
}

// claimVacant makes the caller the writer of a stream that nobody has written for so long; nil if it is not so.
func (r *registry) claimVacant(st *stream, kind sourceKind, who string, long time.Duration, evict func()) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.owner != nil || st.heir != nil || r.clock.now().since(st.vacant) < long {
		return nil
	}
	st.owner = &source{stream: st, kind: kind, who: who, evict: evict}
	return st.owner
}
