package accesslog

import (
	"net/netip"
	"time"
)

// A Visit is what the log says of one viewer, at its end or in the middle. It does not change once it is added.
type Visit struct {
	Begun, Until time.Time
	From         netip.AddrPort
	Viewer       string // who it is by its credentials; "": nobody knows
	Host         string // that it asked for, may have a port; "": none
	Path         string // of the URL, without what may be secret
	Agent        string // what it calls itself
	Minor        int    // it speaks HTTP/1.Minor
	Dialect      string
	TLS          string // version; "": plain
	Reason       string // why it has left; "": it still watches
	Session      uint32 // its client-id; 0: it has none
	Bytes        uint64 // that its socket took
	Skips        uint32
	Lag          time.Duration // behind the stream at Until
	Watching     int64         // viewers of the stream at Until, on all loops
	Reports      bool          // its player is one of those that send a Report when they have stopped

	report map[string]any // of its Report; nil: there is none
}

// seconds is how long it has watched, without fractions.
func (v *Visit) seconds() int64 { return int64(v.length() / time.Second) }

// length is how long it has watched. Clocks may be set meanwhile.
func (v *Visit) length() time.Duration { return max(0, v.Until.Sub(v.Begun)) }

// scheme is what its requests are made over.
func (v *Visit) scheme() string {
	if v.TLS == "" {
		return "http"
	}
	return "https"
}
