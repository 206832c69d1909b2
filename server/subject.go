package server

import (
	"log/slog"
	"net/netip"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A subject is the pump that an admin shows, and all that the admin knows of it. Whoever makes one sets every field and
// changes none afterwards. The functions are called from any goroutine, and must not wait.
type subject struct {
	version  string // of the program
	node     string // the pump's name among pumps
	cfg      *config.Server
	streams  *stream.Registry
	clock    clock.Clock
	log      *slog.Logger
	maxConns int64           // connections to the admin at a time
	ready    <-chan struct{} // closed when viewers and encoders can connect
	stopping <-chan struct{} // closed when the pump begins to stop

	listeners func() []netip.AddrPort // of plain connections; asked once ready is closed
	counters  func() counters
	stuck     func() []stuckLoop // the loops that have not turned for too long
}

// counters are those of the whole pump at one moment. All but the first two count from its start.
type counters struct {
	connections int64                // open ones: of viewers, encoders and any other
	limit       int64                // of them, encoders' not counted
	refused     uint64               // connections over the limit
	ended       [reason.Count]uint64 // connections that have ended, by reason
	sends       uint64               // system calls that sent packets to viewers
	rounds      uint64               // in which a loop offered news to its viewers
	logLost     uint64               // lines that the log did not take
}

// A stuckLoop is an event loop that hangs.
type stuckLoop struct {
	loop   int           // its number
	silent time.Duration // since it turned last
}
