package stream

import (
	"sync/atomic"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/tally"
)

// Stats are a stream's counters since start. Loops add to them once a round, not once a viewer.
type Stats struct {
	PacketsIn      atomic.Uint64 // of the source, as the next ones; not of the slate
	BytesIn        atomic.Uint64 // bytes of packets as the source sent them
	BadPackets     atomic.Uint64 // dropped: not a packet of this header
	SkippedPackets atomic.Uint64 // dropped: before a source's first key frame
	Generations    atomic.Uint64
	Switches       atomic.Uint64 // from one upstream to another without an outage
	PushesDenied   atomic.Uint64 // requests of encoders that may not push, or have not shown that they may
	WrongPasswords atomic.Uint64 // of encoders
	lastPacket     atomic.Int64  // instant

	Viewers  atomic.Int64
	Held     atomic.Int64 // viewers that wait for the stream to come up
	Joined   atomic.Uint64
	Denied   atomic.Uint64 // requests of those who may not watch, or have not shown that they may
	BytesOut atomic.Uint64 // what sockets took of replies and packets to viewers
	Skips    atomic.Uint64 // viewers that were moved to a newer key frame
	Left     [reason.Count]atomic.Uint64
	Behind   atomic.Int64   // viewers that lacked what others had, when loops last looked
	Lag      atomic.Int64   // a time.Duration: by which all of those were behind, together
	Blocked  atomic.Int64   // viewers whose socket took nothing
	Refused  tally.Statuses // replies of 300 or more, to viewers and encoders

	WrongViewers atomic.Uint64 // wrong passwords of viewers

	reports atomic.Pointer[Reports] // nil: no player has sent any
}

// received counts a packet of a source.
func (n *Stats) received(bytes int, now clock.Instant) {
	n.PacketsIn.Add(1)
	n.BytesIn.Add(uint64(bytes))
	n.lastPacket.Store(int64(now))
}

// counters are those that only grow, by the names of their fields.
func (n *Stats) counters() map[string]*atomic.Uint64 {
	return map[string]*atomic.Uint64{
		"PacketsIn":      &n.PacketsIn,
		"BytesIn":        &n.BytesIn,
		"BadPackets":     &n.BadPackets,
		"SkippedPackets": &n.SkippedPackets,
		"Generations":    &n.Generations,
		"Switches":       &n.Switches,
		"PushesDenied":   &n.PushesDenied,
		"WrongPasswords": &n.WrongPasswords,
		"Joined":         &n.Joined,
		"Denied":         &n.Denied,
		"BytesOut":       &n.BytesOut,
		"Skips":          &n.Skips,
		"WrongViewers":   &n.WrongViewers,
	}
}
