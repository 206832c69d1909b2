package server

import (
	"log/slog"
	"net/netip"
	"time"
)

// A subject is the pump that an admin shows, and all that it knows of one. Whoever makes it sets every field; none
// changes afterwards, and everything may be asked from any goroutine at any time.
type subject struct {
	version  string // of the program
	node     string // the pump's name among pumps
	cfg      *ServerConfig
	streams  *registry
	clock    clock
	log      *slog.Logger
	maxConns int64           // connections to the admin at a time
	ready    <-chan struct{} // closed when viewers and encoders can connect
	stopping <-chan struct{} // closed when the pump begins to stop

	listeners func() []netip.AddrPort // of plain connections; asked once ready is closed
	counters  func() counters
	stuck     func() []stuckLoop // the loops that have not turned for too long
}

// counters are those of the whole pump at one moment. All but the first two run since its start.
type counters struct {
	connections int64 // open ones: of viewers, encoders and any other
	limit       int64 // of them, encoders' not counted
	refused     uint64
	ended       [reasons]uint64 // connections
	sends       uint64          // system calls that sent packets to viewers
	rounds      uint64          // in which a loop offered news to its viewers
	logLost     uint64          // lines
}

// A stuckLoop is an event loop that hangs.
type stuckLoop struct {
	loop   int           // its number
	silent time.Duration // since it turned last
}
