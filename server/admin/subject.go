package admin

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"pumpd/server/admission"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/tally"
	"pumpd/server/view"
)

// A Subject is the pump that an admin shows, and all that the admin knows of it. Whoever makes one sets every field and
// changes none afterwards. The functions are called from any goroutine, and do not wait, but for those that say so.
type Subject struct {
	Version  string                // of the program
	Node     string                // the pump's name among pumps
	Config   func() *config.Server // as it counts now; it does not change
	Streams  *stream.Registry
	Clock    clock.Clock
	Log      *slog.Logger
	MaxConns int64           // connections to the admin at a time
	Ready    <-chan struct{} // closed when viewers and encoders can connect
	Draining <-chan struct{} // closed when it begins to let nobody new in
	Stopping <-chan struct{} // closed when the pump begins to stop

	TLS       func() *tls.Config                         // that the next connection to the admin is to speak; nil: none
	Past      []*Past                                    // what the process before has left; nil: nothing
	Listen    func(address string) (net.Listener, error) // nil: as net.Listen does
	Listeners func() []netip.AddrPort                    // of plain connections; asked once ready is closed
	Counters  func() Counters
	Room      func() admission.View // what viewers take of the limits
	Stuck     func() []Stuck        // the loops that have not turned for too long
	Reload    func() Reload
	Preview   func() view.Preview // it reads the configuration, so it takes its time

	// These wait for what they ask for, or until the context is done.
	Viewers func(context.Context, ViewerQuery) ([]Viewer, error)
	Kick    func(context.Context, Kick) (ended int, err error)
	Ban     func(context.Context, bans.Ban) (ended int, err error) // adds to Bans, and ends who is there
	Apply   func(context.Context) (*view.Report, error)            // reloads
	Hold    func(change func()) bool                               // no process takes over during change; false: one has

	Bans  *bans.List
	Drain func() time.Duration // begins to end the pump as SIGTERM does, which takes so long; 0: at once
	Level *slog.LevelVar       // of Log; nil: it cannot be changed
}

// Counters are those of the whole pump at one moment. All but the first two and Line count from its start.
type Counters struct {
	Connections int64                // open ones: of viewers, encoders and any other
	Limit       int64                // of them, encoders' not counted
	Refused     uint64               // connections over the limit
	Banned      uint64               // connections from banned networks
	Ended       [reason.Count]uint64 // connections that have ended, by reason
	Sends       uint64               // system calls that sent packets to viewers
	Rounds      uint64               // in which a loop offered news to its viewers
	LogLost     uint64               // lines that the log did not take
	AccessLost  uint64               // lines that the access log did not take
	Line        line.View            // what is known of the uplink

	Players      []Players       // now
	Certificates []Certificate   // that handshakes get now
	Unknown      *tally.Statuses // requests that were refused and whose path is no stream's

	// In seconds.
	FirstByte tally.View // from the request of a viewer
	RoundTime tally.View // of CPU
	Lag       tally.View // of every viewer, once a second
	Length    tally.View // of the stays of viewers that are gone

	Quota *Quota // nil: there is none
}

// Players are viewers that are spoken to in the same way.
type Players struct {
	Dialect string
	TLS     bool
	Viewers int64
	Behind  int64 // of them, lack what others have been sent already
	Blocked int64 // of them, have a socket that takes nothing at present
}

// A Certificate is one of the pump's own.
type Certificate struct {
	File    string
	Expires time.Time
}

// A Reload is the last one, or the start.
type Reload struct {
	At      time.Time // of the last one, whatever became of it
	OK      bool      // it was not refused
	Error   string    // why it was; lines
	Loaded  time.Time // since when the configuration is what it is: of the last one that was not refused
	Restart []string  // keys that are otherwise in the file than in the process, and count from the next start on
}

// A Stuck is an event loop that hangs.
type Stuck struct {
	Loop   int           // its number
	Silent time.Duration // since it turned last
}

func (s *Subject) listen(address string) (net.Listener, error) {
	if s.Listen == nil {
		return net.Listen("tcp", address)
	}
	return s.Listen(address)
}
