package server

import (
	"sync/atomic"

	"pumpd/server/fanout"
	"pumpd/server/reason"
)

// serverStats are the counters of the whole process.
type serverStats struct {
	ended [reason.Count]atomic.Uint64 // connections
	hubs  fanout.Stats

	logLost atomic.Uint64 // lines
}
