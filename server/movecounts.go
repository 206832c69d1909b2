package server

import (
	"sync/atomic"

	"pumpd/server/reason"
	"pumpd/server/tally"
)

// A movedCounts is what was counted of the whole pump since its start, which an upgrade is not: what is counted of each
// stream goes on as well, and sums are to agree. What one of the processes has no name for is dropped.
type movedCounts struct {
	Counters   map[string]uint64
	Ended      map[string]uint64         // connections, by reason.Reason
	Refused    map[string]uint64         // requests for no stream, by status
	Histograms map[string]tally.Snapshot // by field
}

// countersByName are those that only grow, by names for movedCounts.
func (s *Server) countersByName() map[string]*atomic.Uint64 {
	return map[string]*atomic.Uint64{
		"Refused":    &s.gate.refused,
		"Banned":     &s.gate.banned,
		"Rounds":     &s.stats.hubs.Rounds,
		"Sends":      &s.stats.hubs.Sends,
		"LogLost":    &s.stats.logLostBefore,
		"AccessLost": &s.stats.accessLostBefore,
	}
}

func (n *serverStats) histograms() map[string]*tally.Histogram {
	return map[string]*tally.Histogram{
		"FirstByte": n.firstByte,
		"RoundTime": n.hubs.RoundTime,
		"Lag":       n.hubs.Lag,
		"Length":    n.hubs.Length,
	}
}

// counted is what was counted so far.
func (s *Server) counted() *movedCounts {
	m := &movedCounts{Counters: map[string]uint64{}, Ended: map[string]uint64{}, Refused: map[string]uint64{},
		Histograms: map[string]tally.Snapshot{}}
	for name, c := range s.countersByName() {
		m.Counters[name] = c.Load()
	}
	m.Counters["LogLost"] += s.stats.logLost.Load()
	m.Counters["AccessLost"] += s.node.visits.Lost()
	for why := range s.stats.ended {
		m.Ended[reason.Reason(why).String()] = s.stats.ended[why].Load()
	}
	s.stats.refused.All(func(status string, n uint64) { m.Refused[status] = n })
	for name, h := range s.stats.histograms() {
		m.Histograms[name] = h.Snapshot()
	}
	return m
}

// count adds what was counted in another process.
func (s *Server) count(m *movedCounts) {
	for name, c := range s.countersByName() {
		c.Add(m.Counters[name])
	}
	for why := range s.stats.ended {
		s.stats.ended[why].Add(m.Ended[reason.Reason(why).String()])
	}
	for status, n := range m.Refused {
		s.stats.refused.Add(status, n)
	}
	for name, h := range s.stats.histograms() {
		h.Add(m.Histograms[name])
	}
}
