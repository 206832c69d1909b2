package stream

import (
	"net/netip"
	"time"

	"pumpd/server/clock"
	"pumpd/server/tally"
	"pumpd/server/view"
)

// What of a stream goes over to the process that takes it up, see Export and Import. It is for encoding/gob, which
// takes a pointer to 0 for nil. The push-ids in it are secrets.

// A Snapshot is a stream but for its elements, which follow it in batches.
type Snapshot struct {
	Path        string
	Generations [][]byte // headers as published; others name them by their place here
	Chain       ChainSnapshot
	Points      []uint64 // the join points, oldest first: of each the order of the element before it

	State    int32         // a State
	Vain     bool          // a source has come back with a header only
	Via      string        // of the upstream; "": it names none, or nobody has asked it
	Vacant   clock.Instant // since when nobody writes
	Patience time.Duration // and for how long viewers wait for that
	Absent   PusherSnapshot
	Until    clock.Instant // for how long Absent goes before other encoders

	Writer *WriterSnapshot // nil: nobody writes
	Stats  StatsSnapshot

	// For people.
	Loss  *Loss      // of the source that was lost last; nil: none was
	Fault view.Error // why the stream's file did not play last; zero: it did
}

// A ChainSnapshot is what the writer's end of the chain knows beside its elements.
type ChainSnapshot struct {
	Elements int // how many follow; 0: nothing was ever published

	// Of the first of them.
	Order uint64
	Index uint64 // packets before it
	Bytes uint64 // of memory, up to and including it

	Generation int    // the one that the chain ends in; -1: it ends with an end, or has no element
	SendTime   uint32 // of the newest packet as published, ms
	Shown      uint32 // latest presentation time of the generation, likewise
	Shift      uint32 // ms, added to the times of the source
	Latest     clock.Instant
	Every      time.Duration
	Full       bool
}

// An ElementSnapshot is an element. The other numbers follow from those of the first one.
type ElementSnapshot struct {
	Order      uint64
	Kind       uint8 // an ElementKind
	By         uint8 // of a packet: the Kind of the source that has brought it
	Sent       uint32
	At         clock.Instant
	Full       []byte // of a packet
	Short      []byte // of a packet; nil: as Full
	Generation int    // of a header
}

// A PusherSnapshot is an encoder as one that comes for its stream is compared with it.
type PusherSnapshot struct {
	From   netip.Addr
	PushID string // a secret
}

// A WriterSnapshot is a source with its claim.
type WriterSnapshot struct {
	Kind   uint8 // a Kind
	Who    string
	Pusher PusherSnapshot
	Pump   bool
	Since  clock.Instant
	Before string // who let the stream go for it

	State     uint8  // a sourceState
	Published []byte // the header that its packets are parsed by; nil while headerless
	Waiting   clock.Instant
	Anew      bool
	Wrote     bool
	Steady    bool
	Doubt     DoubtSnapshot
	Bad       int
	Tie       uint8 // a Tie
	Ended     bool
	Seen      uint64        // order of the element where its burst is; 0, which is no packet's: it has sent none
	Changes   clock.Instant // when all allowance for headers is back
	Padding   clock.Instant // when all allowance for padding is back
	Restless  string        // "": it is not
}

// A DoubtSnapshot is a packet whose time the next one must confirm.
type DoubtSnapshot struct {
	Packet  []byte // nil: none waits
	At      clock.Instant
	Against int
}

// A StatsSnapshot has the counters of Stats. What counts who is there now is not in it.
type StatsSnapshot struct {
	Counters   tally.ByName[uint64] // by the name of the field
	LastPacket clock.Instant
	Left       tally.ByName[uint64]         // by reason.Reason
	Refused    tally.ByName[uint64]         // by status
	Reports    tally.ByName[tally.Snapshot] // of players, by field; none: there were none
}
