package stream

import "pumpd/server/clock"

// A Tie is what a source is to the one before it, where the holder of a claim knows that better than the packets tell.
type Tie uint8

const (
	TieUnknown Tie = iota // see times.go
	TieExact              // its next packet is the one after the chain's last
	TieSame               // the same clock: goes on with the packet after the chain's last, or a later key frame
	TieOther              // another clock: goes on at its next key frame, its times moved
)

// Succeed gives the claim to a new source of the same holder, which goes on with a header. That it has been let in must
// do for a key frame to come, however short the grace is.
func (s *Source) Succeed(who string) *Source {
	next := &Source{stream: s.stream, claim: s.claim}
	next.claim.Who = who
	r := s.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stream.startGrace(r.clock.Now(), max(s.stream.Grace(), KeyPatience))
	s.stream.writer = next
	return next
}

// Follow says how a source goes on with the header that it has just given, if that is the stream's.
func (s *Source) Follow(t Tie) {
	if !s.first() {
		s.tie = t
		if t == TieExact {
			s.state = writing
		}
	}
}

// Pause gives the claim up for as long as the source is silent, which it has been since. Viewers wait, and a slate may
// fill in.
func (s *Source) Pause(since clock.Instant) {
	r := s.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stream.vacate(since, true)
}
