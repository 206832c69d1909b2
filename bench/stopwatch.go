package main

import (
	"sync"
	"time"
)

// A stopwatch collects times from all workers. Safe from any goroutine.
type stopwatch struct {
	mu        sync.Mutex
	recording bool // inside the window
	herding   bool // the herd has started
	latency   histogram
	during    histogram // latency of earlier viewers since the herd started
	recent    histogram // latency since the last progress line
	joins     histogram
	herdJoins histogram
}

// add counts the age of a packet on arrival. Those that came with the herd do not count: their burst has only begun.
func (s *stopwatch) add(herd bool, d time.Duration) {
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

// join counts the time from the connection to the first byte of stream.
func (s *stopwatch) join(herd bool, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if herd {
		s.herdJoins.add(d)
	} else {
		s.joins.add(d)
	}
}

func (s *stopwatch) record(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording = on
}

func (s *stopwatch) startHerd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.herding = true
}

// lap gives the latencies since the last lap, nil if there are none.
func (s *stopwatch) lap() *spread {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.recent
	s.recent = histogram{}
	return spreadOf(&h)
}

// times are what a stopwatch has collected, nil where nothing was.
type times struct {
	latency  *spread // age of packets on arrival
	during   *spread // the same since the herd started, without the herd's own
	joins    *spread // from the connection to the first byte of stream
	herdJoin *spread // the same of the herd
}

// times are those of the window, joins of the whole run.
func (s *stopwatch) times() times {
	s.mu.Lock()
	defer s.mu.Unlock()
	return times{spreadOf(&s.latency), spreadOf(&s.during), spreadOf(&s.joins), spreadOf(&s.herdJoins)}
}
