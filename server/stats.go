package server

import (
	"sync/atomic"

	"pumpd/server/clock"
	"pumpd/server/reason"
)

// streamStats are a stream's counters since start. Loops add to them once a round, not once a viewer.
type streamStats struct {
	packetsIn      atomic.Uint64 // of the source, as the next ones; not of the slate
	bytesIn        atomic.Uint64 // bytes of packets as the source sent them
	badPackets     atomic.Uint64 // dropped: not a packet of this header
	skippedPackets atomic.Uint64 // dropped: before a source's first key frame
	generations    atomic.Uint64
	switches       atomic.Uint64 // from one upstream to another without an outage
	lastPacket     atomic.Int64  // instant

	viewers  atomic.Int64
	held     atomic.Int64 // viewers that wait for the stream to come up
	joined   atomic.Uint64
	bytesOut atomic.Uint64 // what sockets took of replies and packets to viewers
	skips    atomic.Uint64 // viewers that were moved to a newer key frame
	left     [reason.Count]atomic.Uint64
}

// received counts a packet of a source.
func (n *streamStats) received(bytes int, now clock.Instant) {
	n.packetsIn.Add(1)
	n.bytesIn.Add(uint64(bytes))
	n.lastPacket.Store(int64(now))
}
