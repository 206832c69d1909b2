package admission

import (
	"time"

	"pumpd/server/clock"
)

// A meter measures what comes into a stream: the mean over ten seconds, and the highest of these means in the last
// half hour at least. The first seconds of a source are left out: upstreams begin with a burst of what is past.
type meter struct {
	ring   [span + 1]reading
	taken  int   // readings since the source began
	skip   int   // samples still to be left out
	awake  int   // samples without a packet until the source counts as gone; 0: it does
	mean   int64 // bit/s; 0: not known
	packet int64 // mean size of packets, bytes; 0: not known
	seen   uint64

	peak, before int64 // highest means: of this half hour, and of the one before
	halved       clock.Instant
}

type reading struct {
	bytes, packets uint64
	at             clock.Instant
}

const (
	span     = 10 // seconds, and samples
	soonest  = 3  // samples that make a mean at least
	skipped  = 2
	halfHour = 30 * time.Minute
)

// restart forgets what was measured: the stream is another.
func (m *meter) restart() { *m = meter{seen: m.seen, awake: m.awake, skip: skipped} }

// bits is what the stream takes, in bit/s; 0: that is not known.
func (m *meter) bits() int64 { return max(m.mean, m.peak, m.before) }

// sample notes a stream's counters, once a second.
func (m *meter) sample(s Sample) {
	came := s.Packets > m.seen
	m.seen = s.Packets
	switch {
	case came && m.awake == 0:
		m.taken, m.skip = 0, skipped
		m.awake = span
		return
	case came:
		m.awake = span
	case m.awake == 0:
		return
	default:
		if m.awake--; m.awake == 0 {
			m.mean = 0
			return
		}
	}
	if m.skip > 0 {
		m.skip--
		return
	}
	m.take(reading{s.Bytes, s.Packets, s.At})
}

// take adds a reading and makes the means anew.
func (m *meter) take(now reading) {
	m.ring[m.taken%len(m.ring)] = now
	m.taken++
	oldest := m.ring[0]
	if m.taken >= len(m.ring) {
		oldest = m.ring[m.taken%len(m.ring)]
	}
	passed, bytes, packets := now.at.Since(oldest.at), now.bytes-oldest.bytes, now.packets-oldest.packets
	if m.taken <= soonest || passed <= 0 || packets == 0 {
		return
	}
	m.mean = int64(8 * float64(bytes) / passed.Seconds())
	m.packet = int64(bytes / packets)
	if m.taken >= len(m.ring) {
		m.keep(now.at)
	}
}

// keep remembers a mean if it is the highest.
func (m *meter) keep(now clock.Instant) {
	if now.Since(m.halved) >= halfHour {
		m.before, m.peak, m.halved = m.peak, 0, now
	}
	m.peak = max(m.peak, m.mean)
}
