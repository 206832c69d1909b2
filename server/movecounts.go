package server

import (
	"sync/atomic"

	"pumpd/server/reason"
	"pumpd/server/tally"
)

// A movedCounts is what was counted of the whole pump since its start, which an upgrade is not: what is counted of each
// stream goes on as well, and sums are to agree. What one of the processes has no name for is dropped.
type movedCounts struct {
	Counters   tally.ByName[uint64]
	Ended      tally.ByName[uint64]         // connections, by reason.Reason
	Refused    tally.ByName[uint64]         // requests for no stream, by status
	Histograms tally.ByName[tally.Snapshot] // by field
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
	m := &movedCounts{}
	since := map[string]uint64{"LogLost": s.stats.logLost.Load(), "AccessLost": s.node.visits.Lost()}
	for name, c := range s.countersByName() {
		m.Counters.Add(name, c.Load()+since[name])
	}
	for why := range s.stats.ended {
		m.Ended.Add(reason.Reason(why).String(), s.stats.ended[why].Load())
	}
	s.stats.refused.All(m.Refused.Add)
	for name, h := range s.stats.histograms() {
		m.Histograms.Add(name, h.Snapshot())
	}
	return m
}

// count adds what was counted in another process.
func (s *Server) count(m *movedCounts) {
	for name, c := range s.countersByName() {
		c.Add(m.Counters.Of(name))
	}
	for why := range s.stats.ended {
		s.stats.ended[why].Add(m.Ended.Of(reason.Reason(why).String()))
	}
	for _, r := range m.Refused {
		s.stats.refused.Add(r.Name, r.Value)
	}
	for name, h := range s.stats.histograms() {
		h.Add(m.Histograms.Of(name))
	}
}
