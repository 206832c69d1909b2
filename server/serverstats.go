package server

import (
	"sync/atomic"

	"pumpd/server/reason"
)

// serverStats are the counters of the whole process.
type serverStats struct {
	ended  [reason.Count]atomic.Uint64 // connections
	sends  atomic.Uint64               // system calls of the fan-out
	rounds atomic.Uint64

	logLost atomic.Uint64 // lines
}
