package stream

import (
	"errors"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
)

// One damaged packet must not cut anybody off, so the send time of one is not believed when it does not fit. The packet
// waits for the next one:
//
//	sent  1000 1040 1080   0 1160 1200        the next one fits the chain: it was damage, and is dropped
//	sent  1000 1040 1080   0   40   80        the next one agrees with it: the clock is another one, both count
//	sent  1000 1040 1080   0 9000 1160        neither: the newer one is in doubt now
//
// So a clock that changes is taken over one packet later, and nothing is lost.

// A doubt is a packet that waits so.
type doubt struct {
	b       []byte // our copy; nil: none waits
	p       asf.Packet
	at      clock.Instant
	against int // packets since that disagree with it, though they cannot take its place
}

// A fate is what becomes of a packet.
type fate uint8

const (
	good      fate = iota // goes into the chain
	early                 // comes before the source's first key frame, and is left out
	doubtful              // waits for the next one
	confirmed             // goes into the chain, behind the one that waits
)

// doubtGap is how much later the second packet of another clock may be than the first, beside the time between them:
// more than there is between two packets of a burst, even at few bits a second.
const doubtGap = 15 * time.Second

var errDoubt = errors.New("packet: send time fits neither the one before nor the one after")

// judge also drops the packet that waits, when it is found to be damaged.
func (s *Source) judge(p asf.Packet, now clock.Instant) fate {
	agreed := s.doubt.agrees(p, now)
	awaited := s.state == keyless && !p.Join && now.Since(s.waiting) < KeyPatience
	switch {
	case s.believes(p, now) && (s.state == writing || !agreed):
		s.dropDoubt()
		if awaited {
			return early
		}
		return good
	case agreed:
		return confirmed
	case awaited: // one of this and the key frame that waits is damaged; two are right
		if s.doubt.against++; s.doubt.against == 2 {
			s.dropDoubt()
		}
		return early
	}
	s.dropDoubt()
	return doubtful
}

// dropDoubt drops the packet that waits, if one does.
func (s *Source) dropDoubt() {
	if s.doubt.b != nil {
		s.spoil()
	}
	s.doubt = doubt{}
}

// believes says whether the send time of a packet fits what is in the chain. Where nothing is, the packet's own times
// must fit each other.
func (s *Source) believes(p asf.Packet, now clock.Instant) bool {
	if s.first() {
		return s.published.Coherent(p)
	}
	c := &s.stream.chain
	d, earliest := c.ahead(p.SendTime), -maxBackward
	if s.state == keyless { // so it may be another clock, whose packets are not to pass for older ones of ours
		earliest = 0
	}
	return (s.state == writing || s.tie != TieOther) && d >= earliest && d <= now.Since(c.last.at)+maxBackward
}

// first says that the source's next packet follows none.
func (s *Source) first() bool { return s.anew || s.stream.chain.last.kind != PacketElement }

// agrees says that a packet has the clock of the one that waits.
func (d *doubt) agrees(p asf.Packet, now clock.Instant) bool {
	step := time.Duration(int32(p.SendTime-d.p.SendTime)) * time.Millisecond
	return d.b != nil && step >= -maxBackward && step <= now.Since(d.at)+doubtGap
}
