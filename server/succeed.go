package server

import "pumpd/server/clock"

// What a source is to the one before it, where the holder of a claim knows that better than the packets tell.
type tie uint8

const (
	tieUnknown tie = iota // see sourcetime.go
	tieExact              // its next packet is the one after the chain's last
	tieSame               // the same clock: goes on with the packet after the chain's last, or a later key frame
	tieOther              // another clock: goes on at its next key frame, its times moved
)

// succeed gives the claim to a new source of the same holder, which goes on with a header. That it has been let in must
// do for a key frame to come, however short the grace is.
func (s *source) succeed(who string) *source {
	next := &source{stream: s.stream, claim: s.claim}
	next.claim.Who = who
	r := s.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stream.left(r.clock.Now(), max(r.grace, keyPatience))
	s.stream.owner = next
	return next
}

// follow says how a source goes on with the header that it has just given, if that is the stream's.
func (s *source) follow(t tie) {
	if !s.first() {
		s.tie = t
		if t == tieExact {
			s.state = writing
		}
	}
}

// pause gives the claim up for as long as the source is silent, which it has been since. Viewers wait, and a slate may
// fill in.
func (s *source) pause(since clock.Instant) {
	r := s.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stream.vacate(since, true)
}
