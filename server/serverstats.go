package server

import (
	"sync/atomic"

	"pumpd/server/fanout"
	"pumpd/server/reason"
	"pumpd/server/tally"
)

// serverStats are the counters of the whole pump; movedCounts has all of them.
type serverStats struct {
	ended [reason.Count]atomic.Uint64 // connections
	hubs  fanout.Stats

	refused   tally.Statuses   // requests whose path is no stream's
	firstByte *tally.Histogram // from the request of a viewer, in seconds

	logLost atomic.Uint64 // lines

	// The same of the processes before, and of the access log.
	logLostBefore, accessLostBefore atomic.Uint64
}

// measure has what takes memory be measured.
func (s *serverStats) measure() {
	s.firstByte = tally.New(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60)
	s.hubs.RoundTime = tally.New(.00001, .00003, .0001, .0003, .001, .003, .01, .03, .1, .3, 1)
	s.hubs.Lag = tally.New(0, .1, .25, .5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60)
	s.hubs.Length = tally.New(1, 10, 60, 300, 900, 1800, 3600, 7200, 4*3600, 8*3600, 24*3600)
}
