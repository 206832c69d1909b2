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
	counters *serverStats
	clock    clock
	log      *slog.Logger
	maxConns int64           // connections to the admin at a time
	ready    <-chan struct{} // closed when viewers and encoders can connect
	stopping <-chan struct{} // closed when the pump begins to stop

	listeners   func() []netip.AddrPort // of plain connections; asked once ready is closed
	connections func() connections
	stuck       func() []stuckLoop // the loops that have not turned for too long
}

// connections are those to the pump at one moment: of viewers, encoders and any other.
type connections struct {
	open    int64
	limit   int64  // of those that are no encoders'
	refused uint64 // over the limit, since the start
}

// A stuckLoop is an event loop that hangs.
type stuckLoop struct {
	loop   int           // its number
	silent time.Duration // since it turned last
}
