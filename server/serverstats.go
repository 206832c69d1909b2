package server

import (
	"sync/atomic"

	"pumpd/server/reason"
)

// serverStats are the counters of the whole process.
type serverStats struct {
	ended [reason.Count]atomic.Uint64 // connections
	hubs  hubStats

	logLost atomic.Uint64 // lines
}
