package server

import (
	"slices"
	"sync/atomic"
	"time"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A hub is the viewers of one event loop and all that it takes to bring them their streams. It belongs to the loop's
// goroutine, but for bell. It sends to descriptors and knows nothing of connections: what it cannot do, its owner does.
//
//	bell ─▶ wake ─▶ work ─▶ round ─┬─▶ segment ─▶ viewers in step ─┬─▶ engine ─▶ sockets
//	                               └─▶ turn ────▶ the others ──────┘
type hub struct {
	// Set by newHub, never changed.
	id     int // streams ring their listeners by it
	clock  clock.Clock
	limits hubLimits
	engine engine
	owner  hubOwner
	wake   func() // has work called soon
	stats  *hubStats

	// Any goroutine.
	due     atomic.Int64 // instant from which a packet begins the next round
	latest  atomic.Int64 // and that of the round if none comes, not before due
	alarm   *time.Timer  // wakes at latest
	alarmed atomic.Bool

	// The loop's goroutine only.
	now       clock.Instant // of the round or turn
	audiences []*audience   // by stream.ID; nil where there never was a viewer
	chores    clock.Instant // when viewers are next looked at
	sends     uint64        // since they were last counted
	cost      time.Duration // of a round, see pace.go
	settle    time.Duration // how long a round waits for the rest of a burst
	settling  bool          // it does now
	taken     uint64        // bytes that sockets took and no audience has counted yet

	// Scratch, reused in every round and turn.
	segment  segment
	iov      [][]byte
	packets  []*stream.Element
	leads    []*lead // spare ones
	prefixes [turnPackets][codec.PrefixLen]byte
}

// hubLimits are the parts of the configuration that hubs look at.
type hubLimits struct {
	merge  config.Merge
	maxLag time.Duration // that a viewer may be behind its audience
	stall  time.Duration // for which its socket may take nothing

	lagBytes uint64 // maxLagBytes but in tests
}

// A hubOwner does what takes more than a descriptor. It is called on the loop, in the middle of rounds and turns.
type hubOwner interface {
	// Blocked has turn called when v's socket can take more.
	Blocked(v *viewer)
	// End has v leave and part called, when the round or turn is over.
	End(v *viewer, why reason.Reason)
}

// hubStats are counters of all hubs of the process.
type hubStats struct {
	rounds atomic.Uint64
	sends  atomic.Uint64 // system calls
}

// hubOptions of newHub. All are needed.
type hubOptions struct {
	clock   clock.Clock
	limits  hubLimits
	engine  engine // the hub's alone, until close
	owner   hubOwner
	wake    func() // has work called soon; called on any goroutine
	stats   *hubStats
	streams int // that there are
}

// newHub makes the hub that streams know by id.
func newHub(id int, o hubOptions) *hub {
	h := &hub{id: id, clock: o.clock, limits: o.limits, engine: o.engine, owner: o.owner, wake: o.wake, stats: o.stats,
		audiences: make([]*audience, o.streams)}
	h.limits.lagBytes = maxLagBytes
	h.alarm = time.AfterFunc(time.Hour, h.ring)
	h.alarm.Stop()
	return h
}

// close ends the engine, once no round comes any more.
func (h *hub) close() { h.engine.close() }

// bell is what a stream rings when its chain has grown. Any goroutine.
func (h *hub) bell(now clock.Instant) {
	if clock.Instant(h.due.Load()) <= now {
		h.wake()
	} else if h.alarmed.CompareAndSwap(false, true) {
		h.alarm.Reset(clock.Instant(h.latest.Load()).Since(now))
	}
}

// ring is what the alarm does.
func (h *hub) ring() {
	h.alarmed.Store(false)
	h.wake()
}

// work makes a round if there is news and it is time for one. What is not offered now, and what comes while a round
// sweeps and rings in vain, the alarm will offer.
func (h *hub) work(now clock.Instant) {
	if !h.news() {
		return
	}
	switch {
	case now.Before(clock.Instant(h.due.Load())):
	case h.settle > 0 && !h.settling:
		h.settling = true
		h.due.Store(int64(now.Add(h.settle)))
		h.alarmed.Store(true)
		h.alarm.Reset(h.settle)
	default:
		h.round(now)
	}
	if h.news() {
		h.bell(h.clock.Now())
	}
}

// news says whether a chain has grown that has viewers here.
func (h *hub) news() bool {
	return slices.ContainsFunc(h.audiences, (*audience).news)
}

// paced sets when the next round may be, after one that took spent of CPU time. Its packets come in bursts gap apart.
func (h *hub) paced(spent, gap time.Duration) {
	h.cost = costOf(h.cost, spent)
	p := paceOf(h.limits.merge, h.cost, gap)
	h.due.Store(int64(h.now.Add(p.due)))
	h.latest.Store(int64(h.now.Add(p.latest)))
	h.settle, h.settling = p.settle, false
}

// count adds the sends since the last count to the process's.
func (h *hub) count() {
	if h.sends > 0 {
		h.stats.sends.Add(h.sends)
		h.sends = 0
	}
}

// doChores looks at each viewer once a second.
func (h *hub) doChores(now clock.Instant) {
	if now < h.chores {
		return
	}
	h.chores = now.Add(time.Second)
	for _, a := range h.audiences {
		if a == nil {
			continue
		}
		for _, v := range a.viewers {
			h.chore(v, now)
		}
	}
}

// chore ends a viewer whose socket takes nothing, and moves one that waits too long up to a newer key frame, so that it
// does not hold the chain.
func (h *hub) chore(v *viewer, now clock.Instant) {
	if v.state != blocked {
		return
	}
	if now.Since(v.progress) > h.limits.stall {
		h.owner.End(v, reason.Stalled)
		return
	}
	h.catchUp(v, now)
	v.letGo(&h.limits)
}
