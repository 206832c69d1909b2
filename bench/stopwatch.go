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

// lap returns the latencies since the last lap.
func (s *stopwatch) lap() histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.recent
	s.recent = histogram{}
	return h
}
