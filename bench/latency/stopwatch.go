package latency

import (
	"sync"
	"time"
)

// A Stopwatch collects times from all workers. Safe from any goroutine.
type Stopwatch struct {
	mu        sync.Mutex
	recording bool // inside the window
	herding   bool // the herd has started
	latency   histogram
	during    histogram // latency of earlier viewers since the herd started
	recent    histogram // latency since the last progress line
	joins     histogram
	herdJoins histogram
}

// Packet counts the age of a packet on arrival. Those that came with the herd do not count: their burst has only begun.
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

func (s *Stopwatch) Record(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording = on
}

func (s *Stopwatch) StartHerd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.herding = true
}

// Lap gives the latencies since the last lap, nil if there are none.
func (s *Stopwatch) Lap() *Spread {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.recent
	s.recent = histogram{}
	return spreadOf(&h)
}

// Times are what a stopwatch has collected, nil where nothing was.
type times struct {
	Latency   *Spread // age of packets on arrival
	During    *Spread // the same since the herd started, without the herd's own
	Joins     *Spread // from the connection to the first byte of stream
	HerdJoins *Spread // the same of the herd
}

// Times are those of the window, joins of the whole run.
func (s *Stopwatch) Times() times {
	s.mu.Lock()
	defer s.mu.Unlock()
	return times{spreadOf(&s.latency), spreadOf(&s.during), spreadOf(&s.joins), spreadOf(&s.herdJoins)}
}
