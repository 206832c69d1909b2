package line

import (
	"fmt"
	"time"

	"pumpd/server/clock"
)

// A Snapshot is what was found out about a line, for the process that goes on with it. What sockets showed in the last
// second is not in it, nor what viewers take: they come along, and that is looked at anew. It is for encoding/gob.
type Snapshot struct {
	Settings Settings // for which it holds
	Rate     int64    // bytes a second that it is taken to carry; 0: not known
	Full     bool
	Live     uint64 // bytes that it was given
	Bursts   uint64

	// How it is judged.
	Ended, Alarmed, Relieved, Raised clock.Instant
	Patience                         time.Duration
	Step                             float64
}

// mostRate is far above what lines carry, bytes a second.
const mostRate = 1 << 50

// Snapshot is what is known now.
func (l *Line) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &l.judge
	return Snapshot{Settings: l.settings, Rate: l.rate.Load(), Full: l.full.Load(), Live: l.live.Load(),
		Bursts: l.bursts.Load(), Ended: j.ended, Alarmed: j.alarmed, Relieved: j.relieved, Raised: j.raised,
		Patience: j.patience, Step: j.step}
}

// Restore has the line be known as it was in another process. Where other settings count here, that is not so: then
// only what was counted goes on.
func (l *Line) Restore(s *Snapshot, now clock.Instant) error {
	if err := s.check(now); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live.Add(s.Live)
	l.bursts.Add(s.Bursts)
	if s.Settings != l.settings || !s.Settings.On() {
		return nil
	}
	j := &l.judge
	j.ended, j.alarmed, j.relieved, j.raised, j.patience, j.step = s.Ended, s.Alarmed, s.Relieved, s.Raised, s.Patience,
		s.Step
	if l.rate.Swap(s.Rate) != s.Rate || s.Full {
		l.full.Store(s.Full)
		l.trouble.Store(s.Full)
		l.changed(s.Rate, s.Full)
	}
	if s.Full {
		l.shutter(true)
	}
	return nil
}

// check says what in s cannot be.
func (s *Snapshot) check(now clock.Instant) error {
	switch most := s.Settings.configured(); {
	case s.Rate < 0 || s.Rate > mostRate || most > 0 && s.Rate > most:
		return fmt.Errorf("carries %d bytes a second, limit %d", s.Rate, most)
	case s.Full && s.Rate == 0:
		return fmt.Errorf("full, and nobody knows what it carries")
	case s.Patience < leastPatience || s.Patience > mostPatience:
		return fmt.Errorf("patience %v, allowed %v to %v", s.Patience, leastPatience, mostPatience)
	case !(leastStep <= s.Step && s.Step <= mostStep): // NaN is not
		return fmt.Errorf("step %v, allowed %v to %v", s.Step, leastStep, mostStep)
	}
	for _, t := range []clock.Instant{s.Ended, s.Alarmed, s.Relieved, s.Raised} {
		if t < 0 || t > now {
			return fmt.Errorf("moment: %d, allowed 0 to %d", t, now)
		}
	}
	return nil
}
