package admission

import (
	"errors"
	"fmt"

	"pumpd/server/clock"
	"pumpd/server/tally"
)

// A StreamSnapshot is what the ledger has learned of a stream, for the process that goes on with it. Limits and viewers
// come to that one otherwise. It is for encoding/gob.
type StreamSnapshot struct {
	Declared int64
	Packet   int
	Measured MeterSnapshot
	Refused  tally.ByName[uint64] // viewers, by Cause
}

// A MeterSnapshot is a meter.
type MeterSnapshot struct {
	Readings    []Reading // oldest first
	Skip, Awake int
	Mean        int64
	Packet      int64
	Seen        uint64

	Peak, Before int64
	Halved       clock.Instant
}

// A Reading is the counters of a stream at one moment.
type Reading struct {
	Bytes, Packets uint64
	At             clock.Instant
}

// Limits on what is taken over, far above what can be.
const (
	mostBits   = 1 << 40 // bit/s
	mostPacket = 1 << 17 // bytes
)

// Snapshot is what is known of a stream.
func (l *Ledger) Snapshot(stream int) StreamSnapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.streams[stream]
	if a == nil {
		return StreamSnapshot{}
	}
	s := StreamSnapshot{Declared: a.declared, Packet: a.packet, Measured: a.measured.snapshot()}
	for why, n := range a.refused {
		s.Refused.Add(Cause(why).String(), n)
	}
	return s
}

func (m *meter) snapshot() MeterSnapshot {
	s := MeterSnapshot{Skip: m.skip, Awake: m.awake, Mean: m.mean, Packet: m.packet, Seen: m.seen,
		Peak: m.peak, Before: m.before, Halved: m.halved}
	for i := max(0, m.taken-len(m.ring)); i < m.taken; i++ {
		r := m.ring[i%len(m.ring)]
		s.Readings = append(s.Readings, Reading{r.bytes, r.packets, r.at})
	}
	return s
}

// Restore has the ledger know of a stream what it knew in another process. now is the stream's counters: nothing of s
// may be later, or more. A cause that only the other process has a name for is dropped.
func (l *Ledger) Restore(stream int, s *StreamSnapshot, now Sample) error {
	if s.Declared < 0 || s.Declared > mostBits || s.Packet < 0 || s.Packet > mostPacket {
		return fmt.Errorf("ledger: declared %d bit/s in packets of %d bytes", s.Declared, s.Packet)
	}
	m, err := s.Measured.meter(now)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(stream)
	a.declared, a.packet, a.measured = s.Declared, s.Packet, m
	for why := range a.refused {
		a.refused[why] += s.Refused.Of(Cause(why).String())
	}
	l.reckon(a)
	return nil
}

// meter makes it anew. Nothing that s says is believed.
func (s *MeterSnapshot) meter(now Sample) (m meter, err error) {
	switch {
	case len(s.Readings) > len(m.ring):
		return m, fmt.Errorf("%d readings, limit %d", len(s.Readings), len(m.ring))
	case s.Skip < 0 || s.Skip > skipped:
		return m, fmt.Errorf("%d samples to skip, limit %d", s.Skip, skipped)
	case s.Awake < 0 || s.Awake > span:
		return m, fmt.Errorf("%d samples to wait, limit %d", s.Awake, span)
	case min(s.Mean, s.Peak, s.Before) < 0 || max(s.Mean, s.Peak, s.Before) > mostBits:
		return m, fmt.Errorf("%d, %d and %d bit/s, limit %d", s.Mean, s.Peak, s.Before, int64(mostBits))
	case s.Packet < 0 || s.Packet > mostPacket:
		return m, fmt.Errorf("packets of %d bytes, limit %d", s.Packet, mostPacket)
	case s.Seen > now.Packets:
		return m, fmt.Errorf("%d packets of %d", s.Seen, now.Packets)
	case s.Halved < 0 || s.Halved > now.At:
		return m, fmt.Errorf("half an hour began at %d, it is %d", s.Halved, now.At)
	}
	var before Reading
	for i, r := range s.Readings {
		if r.Bytes < before.Bytes || r.Packets < before.Packets || r.At < before.At {
			return m, fmt.Errorf("reading %d: counts backwards", i)
		}
		before = r
		m.ring[i] = reading{r.Bytes, r.Packets, r.At}
	}
	if before.Bytes > now.Bytes || before.Packets > now.Packets || before.At > now.At {
		return m, errors.New("a reading is of more than there was")
	}
	m.taken, m.skip, m.awake = len(s.Readings), s.Skip, s.Awake
	m.mean, m.packet, m.seen = s.Mean, s.Packet, s.Seen
	m.peak, m.before, m.halved = s.Peak, s.Before, s.Halved
	return m, nil
}
