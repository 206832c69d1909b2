package stream

import (
	"bytes"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// How the times of a source fit those that are in the chain already.

const (
	maxBackward = 3 * time.Second  // send time going back by more is another clock (asf.md §6)
	maxForward  = 10 * time.Minute // and so is this much of a gap forward
	maxAhead    = 60_000           // ms; no source shows later than this after sending, so a time that does is damage
)

// ahead says how far a send time of the source is after the newest in the chain, modulo 2^32 ms.
func (c *chain) ahead(send uint32) time.Duration {
	return time.Duration(int32(send+c.shift-c.sendTime)) * time.Millisecond
}

// repeats says whether a packet of a source that came back is one that viewers have had: upstreams begin with a burst
// of the past, and a pump that pushes with what may have been lost. Where that is the same packets as ours, as between
// pumps, the first one after it goes on exactly where the chain ends. What is older than the chain's end and not the
// same is left out for RepeatTime; by then it is no burst but another clock. An encoder that pushes never repeats.
func (s *Source) repeats(b []byte, p asf.Packet, now clock.Instant) bool {
	st := s.stream
	if s.state == writing || s.claim.Kind != Pull && !s.claim.Pump || s.tie == TieOther || s.first() {
		return false
	}
	d := st.chain.ahead(p.SendTime)
	if d > 0 || d <= -s.farthestRepeat() {
		return false
	}
	b, err := s.shifted(b)
	if err != nil {
		return false
	}
	s.full = s.published.AppendFull(s.full[:0], b, p)
	if s.seen = nextSame(s.seen, st.joins.Load().Start, s.full); s.seen == st.chain.last {
		s.state, s.seen = writing, nil // it would hold all of the chain from here on
		return true
	}
	return s.seen != nil || s.tie == TieSame || now.Since(s.waiting) < RepeatTime
}

// farthestRepeat is how far back a repetition can begin: with an upstream's burst, or with what a pump has kept.
func (s *Source) farthestRepeat() time.Duration {
	if s.claim.Pump && s.tie == TieSame {
		return config.LongestForward
	}
	return config.LongestBurst + KeyPatience
}

// RepeatTime is more than an upstream takes to send its burst.
const RepeatTime = 2 * time.Second

// nextSame gives the element that holds the packet full: the one after seen, or if none was seen any from start on.
func nextSame(seen, start *Element, full []byte) *Element {
	if seen != nil {
		if e := seen.next.Load(); e != nil && bytes.Equal(e.full, full) {
			return e
		}
		return nil
	}
	for e := start; e != nil; e = e.next.Load() {
		if e.kind == PacketElement && bytes.Equal(e.full, full) {
			return e
		}
	}
	return nil
}

// keepTime keeps send times going forward in the chain; players take a jump for damage (asf.md §6). The rule:
//
//   - A source that goes on with the same header on the same clock is taken as it is: its times are later than the
//     chain's, by no more than the outage and sameClock.
//   - One that goes on with the same header on another clock, which is what an encoder does that was restarted, has its
//     times moved to where they would be had it never stopped: the outage stays a gap of its own length.
//   - A slate or a file always has another clock, and so has what follows a slate. A pull that turns from one upstream
//     to another has seen both and says which of these it is. See tie.
//   - A clock that jumps while the source runs starts a new generation; after its first packet it only has its times
//     moved, for that packet was damaged, if anything.
//
// No single packet is believed in any of that, see doubt.
//
// Send time is a u32 of milliseconds, so differences are taken modulo 2^32.
func (s *Source) keepTime(p asf.Packet, now clock.Instant) {
	st, send := s.stream, p.SendTime
	last := st.chain.last
	away := now.Since(last.at)
	jumped := false
	if d := st.chain.ahead(send); last.kind == PacketElement {
		jumped = s.state == keyless && s.otherClock(d, away) || d < -maxBackward || d > maxForward
	}
	switch {
	case jumped && !s.steady:
		st.chain.shift = st.chain.sendTime + uint32(away.Milliseconds()) - send
		// What is shown must not go back either: sources differ in how far they send ahead.
		if back := int32(st.chain.shown - (p.Earliest + st.chain.shift)); back >= 0 && back < maxAhead {
			st.chain.shift += uint32(back) + 1
		}
		st.log.Info("source has another clock, its times are moved", "by_ms", int32(st.chain.shift))
	case jumped:
		st.log.Info("send time jumped, starting a new generation", "from_ms", st.chain.sendTime, "to_ms", send+st.chain.shift)
		s.restless = s.change(now)
		s.begin()
		last = st.chain.last
	}
	if shown := p.Latest + st.chain.shift; last.kind != PacketElement ||
		s.published.Coherent(p) && int32(shown-st.chain.shown) > 0 {
		st.chain.shown = shown
	}
	s.steady = s.state == writing && !jumped
	st.chain.sendTime, s.state, s.seen = send+st.chain.shift, writing, nil
}

// otherClock says whether a source whose first packet is d ahead of the chain, which nobody has written for so long,
// has another clock than the one before.
func (s *Source) otherClock(d, away time.Duration) bool {
	switch s.tie {
	case TieOther:
		return true
	case TieUnknown:
		return d < 0 || d > away+sameClock
	}
	return d < 0
}

// shifted is b with the times that the chain needs. What it returns is valid until the next call.
func (s *Source) shifted(b []byte) ([]byte, error) {
	by := s.stream.chain.shift
	if by == 0 {
		return b, nil
	}
	s.scratch = append(s.scratch[:0], b...)
	return s.scratch, s.published.ShiftTimes(s.scratch, by)
}

// sameClock is how far apart the times of two sources on one clock may be: one may be many hops farther away.
const sameClock = 5 * time.Second
