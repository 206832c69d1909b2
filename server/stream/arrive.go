package stream

import (
	"time"

	"pumpd/server/clock"
)

// How a source comes into a stream that another has left. A header is not a stream: an encoder or an upstream may
// answer with one again and again and have nothing behind it. So the stream stays as it was left, and the grace of
// those who wait runs on, until the source's first packet is in the chain.

// goLive is the moment of that packet.
func (s *Source) goLive() {
	s.wrote = true
	s.stream.setState(Live)
}

// Outwait ends the stream for those who wait for it when their grace is over, though s has the claim: the reaper may
// not, and s has brought nothing. It is false when there is nobody who waits. For the holder's goroutine, now and then.
func (s *Source) Outwait(now clock.Instant) bool {
	st := s.stream
	if s.wrote || st.joins.Load() == nil {
		return false
	}
	if !st.reg.overdue(s, now) {
		return true
	}
	st.log.Warn("source has come back with nothing to show", "source", s.claim.Kind, "from", s.claim.Who)
	st.finish(s.claim.Kind.String(), s.claim.Who)
	s.state, s.tie, s.seen, s.anew = keyless, TieUnknown, nil, true
	return false
}

// OutwaitCheck is how often those who have nothing else to do should call Outwait.
const OutwaitCheck = 250 * time.Millisecond

// overdue says that s has the claim of a stream whose viewers have waited for long enough.
func (r *Registry) overdue(s *Source, now clock.Instant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := s.stream
	return st.writer == s && now.Since(st.vacant) >= st.patience
}

// startGrace is called when the writer goes, from its goroutine and under the registry's mutex. One that has written
// nothing starts none: viewers wait for the source before it.
func (st *Stream) startGrace(since clock.Instant, patience time.Duration) {
	if st.writer != nil && st.writer.wrote {
		st.vacant, st.patience = since, patience
	}
}
