package stream

import (
	"bytes"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
)

// What the holder of a claim may ask of the chain, to compare it with what another source has that could go on in its
// place. Packets and send times are those of a source with the stream's header, as it sends them: the claim moves them
// as it would if it were given them.

// GoesOn says that the chain ends with a packet, which another one may follow.
func (s *Source) GoesOn() bool { return s.stream.chain.packets() }

// Follows says that packets of a header may follow the chain's last without a new generation. Only while it GoesOn.
func (s *Source) Follows(h *asf.Header) bool { return s.stream.chain.gen.header.Same(h) }

// Generation is the one that the chain is in, nil at its end.
func (s *Source) Generation() *Generation { return s.stream.chain.gen }

// Ahead says how far a send time, in ms, is after the newest in the chain.
func (s *Source) Ahead(send uint32) time.Duration { return s.stream.chain.ahead(send) }

// Near gives the stream's generation where packets of a header may go on with it, and a send time that is new now is
// about the one that the stream is at; else nil.
func (s *Source) Near(h *asf.Header, send uint32, now clock.Instant) *Generation {
	if !s.GoesOn() || !s.Follows(h) {
		return nil
	}
	c := &s.stream.chain
	if d := c.ahead(send) - now.Since(c.last.at); d < -sameClock || d > sameClock {
		return nil
	}
	return c.gen
}

// EndsWith says whether a packet with that send time is the chain's last.
func (s *Source) EndsWith(send uint32, b []byte) bool {
	return s.Ahead(send) == 0 && bytes.Equal(s.asElement(b), s.stream.chain.last.full)
}

// Holds says whether a packet is in the chain, as far back as newcomers start.
func (s *Source) Holds(b []byte) bool {
	return nextSame(nil, s.stream.joins.Load().Start, s.asElement(b)) != nil
}

// asElement is a packet as the chain would have it; nil if it cannot. It is valid until the next call.
func (s *Source) asElement(b []byte) []byte {
	b, err := s.shifted(b)
	if err != nil {
		return nil
	}
	p, err := s.published.ParsePacket(b)
	if err != nil {
		return nil
	}
	s.full = s.published.AppendFull(s.full[:0], b, p)
	return s.full
}
