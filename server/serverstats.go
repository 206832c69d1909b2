package server

import "sync/atomic"

// serverStats are the counters of the whole process.
type serverStats struct {
	ended  [reasons]atomic.Uint64 // connections
	sends  atomic.Uint64          // system calls of the fan-out
	rounds atomic.Uint64

	logLost atomic.Uint64 // lines
}
