// Package latency collects how long viewers waited: for their streams, and for each packet of them.
package latency

import (
	"sync"
	"time"
)

// A Stopwatch collects the times of all viewers. Safe from any goroutine; the zero value is ready.
type Stopwatch struct {
	mu        sync.Mutex
	recording bool // inside the window
	herding   bool // the herd has started
	latency   histogram
	during    histogram // latency of earlier viewers since the herd started
	recent    histogram // latency since the last progress line
	joins     histogram
	herdJoins histogram
	pictures  histogram
	herdPics  histogram
	refusals  histogram
}

// Packet counts the age of a packet on arrival. Those of viewers that came with the herd do not count: their burst has
// only begun.
func (s *Stopwatch) Packet(herd bool, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent.add(d)
	switch {
	case !s.recording || herd:
	case s.herding:
		s.during.add(d)
	default:
		s.latency.add(d)
	}
}

// Join counts the time from the connection to the first byte of stream.
func (s *Stopwatch) Join(herd bool, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if herd {
		s.herdJoins.add(d)
	} else {
		s.joins.add(d)
	}
}

// Picture counts the time from the connection until a key frame begins whose first packet is there.
func (s *Stopwatch) Picture(herd bool, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if herd {
		s.herdPics.add(d)
	} else {
		s.pictures.add(d)
	}
}

// Refusal counts the time from the connection to an answer that says no.
func (s *Stopwatch) Refusal(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals.add(d)
}

// Record says whether packets count from now on: in the window of a measurement they do. All else always counts.
func (s *Stopwatch) Record(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording = on
}

// StartHerd keeps the packets of earlier viewers apart from now on, as Times.During.
func (s *Stopwatch) StartHerd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.herding = true
}

// Lap gives the ages of packets since the last lap, nil if there are none.
func (s *Stopwatch) Lap() *Spread {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.recent
	s.recent = histogram{}
	return spreadOf(&h)
}

// Times are what a Stopwatch has collected, nil where nothing was.
type Times struct {
	Latency   *Spread // age of packets on arrival
	During    *Spread // the same since the herd started, without the herd's own
	Joins     *Spread // from the connection to the first byte of stream
	HerdJoins *Spread // the same of the herd

	Pictures     *Spread // from the connection to the first packet of a key frame
	HerdPictures *Spread // the same of the herd
	Refusals     *Spread // from the connection to the answer that says no
}

// Times are the packets while recording was on, and all else.
func (s *Stopwatch) Times() Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Times{
		Latency: spreadOf(&s.latency), During: spreadOf(&s.during),
		Joins: spreadOf(&s.joins), HerdJoins: spreadOf(&s.herdJoins),
		Pictures: spreadOf(&s.pictures), HerdPictures: spreadOf(&s.herdPics), Refusals: spreadOf(&s.refusals),
	}
}
