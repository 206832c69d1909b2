package stream

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
)

// A Registry knows the streams by name and who writes each. No round and no publish takes its mutex.
type Registry struct {
	// Set by NewRegistry, never changed.
	clock clock.Clock

	// Any goroutine.
	all      atomic.Pointer[directory]
	grace    atomic.Int64 // a time.Duration
	finished atomic.Uint64
	readings readings

	mu sync.Mutex // of the streams' claims
}

// A directory is the streams that there are at one time. It does not change.
type directory struct {
	streams []*Stream
	byPath  map[string]*Stream // lower case
}

// NewRegistry is for all streams of a server, which are in no other. Viewers wait for a lost source through grace.
func NewRegistry(c clock.Clock, grace time.Duration, streams []*Stream) *Registry {
	r := &Registry{clock: c}
	r.SetGrace(grace)
	r.SetStreams(streams)
	return r
}

// SetGrace changes for how long viewers wait for a source that is lost from now on.
func (r *Registry) SetGrace(grace time.Duration) { r.grace.Store(int64(grace)) }

// SetStreams makes these the streams that there are: whoever looks finds them all, and no other. Nobody changes the
// list any more. Those that are no more are the caller's to Retire. One goroutine at a time.
func (r *Registry) SetStreams(streams []*Stream) {
	d := &directory{streams: streams, byPath: make(map[string]*Stream, len(streams))}
	for _, st := range streams {
		d.byPath[strings.ToLower(st.Config().Path)] = st
		if st.reg == nil { // else others look at it
			st.reg = r
		}
	}
	r.all.Store(d)
}

// Streams are all there are now, in the order of the configuration. Nobody changes the list; when there are others it
// is another one.
func (r *Registry) Streams() []*Stream { return r.all.Load().streams }

// Find gives the stream of a path as it stands in a URL, in any case; nil: there is none. It does not allocate.
func (r *Registry) Find(path []byte) *Stream {
	var low [MaxPathLen]byte
	if len(path) > len(low) {
		return nil
	}
	for i, c := range path {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return r.all.Load().byPath[string(low[:len(path)])]
}

// MaxPathLen is of the longest path that a stream can have, bytes.
const MaxPathLen = 128

// An heir waits for a stream's writer to let go; granted is called once, under the registry's mutex, with its claim.
type heir struct {
	source  *Source
	granted func()
}

// A Claim is what who asks for a stream says of itself.
type Claim struct {
	Kind   Kind
	Who    string     // for the log and the status page: an address or a URL
	From   netip.Addr // of a push
	PushID string     // of a push
	Pump   bool       // of a push: by a pump, which sends again what may have been lost
	Evict  func()     // asks the holder to give the claim up soon; nil: it will not. Called under the registry's mutex
}

// Claim makes the caller the stream's only writer until it lets go by itself. ErrBusy if somebody is.
func (st *Stream) Claim(c Claim) (*Source, error) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.writer != nil || st.heir != nil || st.retired {
		return nil, ErrBusy
	}
	st.writer = &Source{stream: st, claim: c, since: st.clock.Now()}
	return st.writer, nil
}

// ClaimVacant makes the caller the writer of a stream that nobody has written for so long; nil if it is not so.
func (st *Stream) ClaimVacant(c Claim, long time.Duration) *Source {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	now := st.clock.Now()
	if st.writer != nil || st.heir != nil || st.retired || now.Since(st.vacant) < long {
		return nil
	}
	st.writer = &Source{stream: st, claim: c, since: now}
	return st.writer
}

// Inherit makes the caller the stream's writer, at once with done = true if nobody is, else when the writer, who is
// asked to, has let go; then it calls granted from the writer's goroutine. ErrBusy if another heir is already waiting,
// or the writer does not let go.
func (st *Stream) Inherit(c Claim, granted func()) (s *Source, done bool, err error) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.heir != nil || st.retired {
		return nil, false, ErrBusy
	}
	s = &Source{stream: st, claim: c, since: st.clock.Now()}
	if st.writer == nil {
		st.writer = s
		return s, true, nil
	}
	evict := st.writer.claim.Evict
	if evict == nil && !st.unresumed {
		return nil, false, ErrBusy
	}
	s.before = st.writer.claim.Who
	st.heir = &heir{source: s, granted: granted}
	if evict != nil { // else Resume does
		evict()
	}
	return s, false, nil
}

// release ends a claim; orphan says that viewers are to wait for the next one. A source that waited to inherit is
// simply forgotten.
func (r *Registry) release(s *Source, orphan bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := s.stream
	if st.heir != nil && st.heir.source == s {
		st.heir = nil
		return
	}
	if st.writer != s {
		return
	}
	st.vacate(r.clock.Now(), orphan)
}

// vacate gives the claim to the heir, or to nobody. For whoever holds the registry's mutex.
func (st *Stream) vacate(since clock.Instant, orphan bool) {
	patience := st.Grace()
	if st.writer != nil && st.writer.ended {
		patience = min(patience, endedGrace)
	}
	if st.heir != nil { // see Source.Succeed
		patience = max(patience, KeyPatience)
	}
	st.noteAbsent(since, orphan)
	st.startGrace(since, patience)
	st.writer = nil
	if orphan && st.joins.Load() != nil {
		st.setState(Orphaned)
	}
	if h := st.heir; h != nil {
		st.heir, st.writer = nil, h.source
		h.granted()
	}
	if st.retired && st.writer == nil {
		st.finish("reload", "")
	}
}

// Retire ends a stream for good that is not in the configuration any more: nobody gets its claim, and it is over once
// the source that has it, which the caller ends, has let go.
func (st *Stream) Retire() {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	st.retired = true
	if st.writer == nil {
		st.finish("reload", "")
	}
}

// endedGrace is how long viewers wait for an upstream that has said $E. It has ended (clients.md §7); but VLC says so
// each time that it begins its file anew, and many a server when it is restarted, and then it is back by now.
const endedGrace = 5 * time.Second

// Writer is who writes the stream now, nil if nobody. Any goroutine.
func (st *Stream) Writer() *Source {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	return st.writer
}

// Grace is for how long viewers wait for a source that is lost.
func (st *Stream) Grace() time.Duration { return time.Duration(st.reg.grace.Load()) }

// Patience is for how much longer viewers wait for a source that is lost; ok is false unless the stream is orphaned.
// Any goroutine.
func (st *Stream) Patience() (left time.Duration, ok bool) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.writer != nil || st.State() != Orphaned {
		return 0, false
	}
	return max(0, st.patience-st.clock.Now().Since(st.vacant)), true
}

// Finished is how often a stream has been over, and has let go of its packets. Any goroutine.
func (r *Registry) Finished() uint64 { return r.finished.Load() }

// Reap ends the streams whose source has been away for longer than the grace. For now and then.
func (r *Registry) Reap(now clock.Instant) {
	for _, st := range r.Streams() {
		r.reap(st, now)
	}
}

// reap keeps the mutex, so that nobody claims the stream meanwhile.
func (r *Registry) reap(st *Stream, now clock.Instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.writer != nil || st.State() != Orphaned || now.Since(st.vacant) < st.patience {
		return
	}
	st.log.Warn("source did not come back", "grace", st.patience)
	st.finish("reaper", "")
}
