// Package fanout brings streams to viewers: rounds for all who are in step, turns for who is not, and the engines that
// send. An event loop has one Hub, which owns the loop's viewers and whatever a round needs; streams are only read.
package fanout

import (
	"slices"
	"sync/atomic"
	"time"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/tally"
)

// A Hub is the viewers of one event loop and all that it takes to bring them their streams. It belongs to the loop's
// goroutine, but for Bell. It sends to descriptors and knows nothing of connections: what takes more, its Owner does.
//
//	Bell ─▶ Wake ─▶ Work ─▶ round ─┬─▶ segment ─▶ viewers in step ─┬─▶ engine ─▶ sockets
//	                               └─▶ Turn ────▶ the others ──────┘
type Hub struct {
	// Set by New, never changed.
	id    int // streams ring their listeners by it
	clock clock.Clock
	owner Owner
	wake  func() // has Work called soon
	stats *Stats
	probe Probe

	// Any goroutine.
	census  [len(dialects)][2]sharedCount // as counted when viewers were last looked at; with TLS second
	due     atomic.Int64                  // instant from which a packet begins the next round
	latest  atomic.Int64                  // and that of the round if none comes, not before due
	alarmed atomic.Bool                   // it rings at latest
	reads   atomic.Pointer[stream.Stream] // one of those whose sources are called before each round; nil: none are

	ringIn   func(time.Duration) // sets the alarm
	resumeIn func(time.Duration) // wakes when the line is free
	resuming atomic.Bool

	// The loop's goroutine only.
	limits    Limits
	engine    Engine
	now       clock.Instant // of the round or turn
	audiences []*audience   // of the streams that have ever had a viewer here and are not retired
	of        map[*stream.Stream]*audience
	chores    clock.Instant // when viewers are next looked at
	sends     uint64        // since they were last counted
	counted   [len(dialects)][2]Count
	cost      time.Duration // of a round, see pace.go
	settle    time.Duration // how long a round waits for the rest of a burst
	settling  bool          // it does now
	taken     uint64        // bytes that sockets took and no audience has counted yet
	adopted   bool          // viewers came from another process since the last Work

	// Of the line, see shape.go and measure.go.
	line         *line.Line       // nil: nobody cares what it carries
	waiting      [3][]*Viewer     // for it, by line.Class
	arrivals     []*Viewer        // who wait for it to get their headers
	deferred     []*Viewer        // from the round to waiting
	since        [3]clock.Instant // the line was asked for them last
	room         int              // bytes that the turn may send
	owed         int64            // bytes of bursts that joiners were promised
	demand       int64            // bytes a second that all viewers take
	measured     clock.Instant
	seen, before map[*Viewer]witness // at the last look and the one before

	// Scratch, reused in every round and turn.
	segment  segment
	iov      [][]byte
	packets  []*stream.Element
	leads    []*lead // spare ones
	prefixes [turnPackets][codec.PrefixLen]byte
}

// Limits are the parts of the configuration that hubs look at.
type Limits struct {
	Merge  config.Merge
	MaxLag time.Duration // that a viewer may be behind its audience
	Stall  time.Duration // for which its socket may take nothing

	MaxSession time.Duration // for which one may watch that is no relay; 0: for ever

	lagBytes uint64 // maxLagBytes but in tests
}

// An Owner has the connections of a hub's viewers. It is called on the loop, in the middle of rounds and turns, and
// only of viewers with whom something is the matter.
type Owner interface {
	// Blocked has Turn called when v's socket can take more.
	Blocked(v *Viewer)
	// Skipped says that v was too slow, and goes on at a newer key frame.
	Skipped(v *Viewer)
	// End has v leave at once, and Part called when the call of the hub that led here has returned. It may come again
	// for a viewer that leaves already.
	End(v *Viewer, why reason.Reason)
}

// Stats are counters of all hubs of a process, since it began. Any goroutine.
type Stats struct {
	Rounds atomic.Uint64
	Sends  atomic.Uint64 // system calls

	// In seconds; nil: nobody wants to know.
	RoundTime *tally.Histogram // of CPU, of a round
	Lag       *tally.Histogram // of every viewer, once a second
	Length    *tally.Histogram // of the stays of viewers that are gone
}

// Options of New. All are needed.
type Options struct {
	Clock  clock.Clock
	Limits Limits
	Engine Engine // the hub's alone, until Close
	Owner  Owner
	Wake   func() // has Work called soon; called on any goroutine
	Stats  *Stats
	Probe  Probe
}

// New makes the hub that streams know by id: what they ring goes to its Bell.
func New(id int, o Options) *Hub {
	h := &Hub{id: id, clock: o.Clock, engine: o.Engine, owner: o.Owner, wake: o.Wake, stats: o.Stats,
		probe: o.Probe, of: map[*stream.Stream]*audience{}, room: unmetered}
	h.SetLimits(o.Limits)
	h.ringIn = timer(h.ring)
	return h
}

// timer returns what has a function called after that time, instead of after the one it was last given.
func timer(call func()) (in func(time.Duration)) {
	t := time.AfterFunc(time.Hour, call)
	t.Stop()
	return func(d time.Duration) { t.Reset(d) }
}

// SetLimits has others count from now on.
func (h *Hub) SetLimits(l Limits) {
	l.lagBytes = maxLagBytes
	h.limits = l
}

// Watch has the hub send no faster than the line carries, and report what its sockets show of that. It is for ever.
func (h *Hub) Watch(l *line.Line) {
	if h.line != nil {
		return
	}
	h.line, h.seen, h.before = l, map[*Viewer]witness{}, map[*Viewer]witness{}
	h.resumeIn = timer(h.goOn)
}

// Close closes the engine. Nothing else of the hub may be called any more.
func (h *Hub) Close() { h.engine.Close() }

// Bell is what a stream rings when its chain has grown. Any goroutine.
func (h *Hub) Bell(now clock.Instant) {
	if clock.Instant(h.due.Load()) <= now {
		h.wake()
	} else if h.alarmed.CompareAndSwap(false, true) {
		h.ringIn(clock.Instant(h.latest.Load()).Since(now))
	}
}

// ring is what the alarm does.
func (h *Hub) ring() {
	h.haveRead()
	h.alarmed.Store(false)
	h.wake()
}

// goOn is what happens when the line is free again.
func (h *Hub) goOn() {
	h.resuming.Store(false)
	h.wake()
}

// Work makes a round if there is news and it is time for one, and then has those go on who wait for the line: first the
// rest of the round, and of the one before.
func (h *Hub) Work(now clock.Instant) {
	if h.adopted {
		h.takeUp(now)
	}
	h.offerNews(now)
	if h.line != nil {
		h.serve(line.Live, now)
		h.welcome(now)
		h.serve(line.Burst, now)
	}
}

// offerNews makes a round if there is news and it is time for one. What is not offered now, and what comes in the
// middle of a round and rings in vain, the alarm will offer.
func (h *Hub) offerNews(now clock.Instant) {
	due := !now.Before(clock.Instant(h.due.Load()))
	switch {
	case !h.news():
		if due {
			h.call(nil) // those who were called had nothing
		}
		return
	case !due:
	case h.settle > 0 && !h.settling:
		h.settling = true
		h.due.Store(int64(now.Add(h.settle)))
		h.alarmed.Store(true)
		h.ringIn(h.settle)
	default:
		h.round(now)
	}
	if h.reads.Load() != nil || h.news() {
		h.Bell(h.clock.Now())
	}
}

// news says whether a chain has grown that has viewers here.
func (h *Hub) news() bool {
	return slices.ContainsFunc(h.audiences, (*audience).news)
}

// paced sets when the next round may be, after one that took spent of CPU time.
func (h *Hub) paced(spent time.Duration, n *turnout) {
	if h.reads.Load() != nil {
		spent += n.reading()
	}
	h.cost = costOf(h.cost, spent)
	p := paceOf(h.limits.Merge, h.cost, n.gap)
	if !n.worthCalling(h.limits.Merge, p.latest) {
		h.call(nil)
	} else {
		h.call(n.any)
		p = h.called(p, n)
	}
	h.due.Store(int64(h.now.Add(p.due)))
	h.latest.Store(int64(h.now.Add(p.latest)))
	h.settle, h.settling = p.settle, false
}

// CountSends adds the sends since the last count to the process's.
func (h *Hub) CountSends() {
	if h.sends > 0 {
		h.stats.Sends.Add(h.sends)
		h.sends = 0
	}
}

// DoChores looks at each viewer, once a second however often it is called: it ends those whose sockets take nothing for
// Limits.Stall and those who have watched for Limits.MaxSession, and moves those who hold too much of the chain.
func (h *Hub) DoChores(now clock.Instant) {
	if now < h.chores {
		return
	}
	h.chores = now.Add(time.Second)
	for _, a := range h.audiences {
		for _, v := range a.viewers {
			h.chore(v, now)
		}
		if len(a.patient) > 0 {
			h.release(a, now) // though the source may have stopped
		}
	}
	h.takeCensus()
}

// chore ends a viewer whose socket takes nothing, and moves one that waits too long up to a newer key frame, so that it
// does not hold the chain.
func (h *Hub) chore(v *Viewer, now clock.Instant) {
	if most := h.limits.MaxSession; most > 0 && now.Since(v.joined) >= most && v.Dismissable() && !v.dialect.Relay {
		h.Dismiss(v, reason.SessionOver, now)
		return
	}
	if v.state != blocked && v.state != queued {
		return
	}
	if v.state == blocked && now.Since(v.progress) > h.limits.Stall {
		h.owner.End(v, reason.Stalled)
		return
	}
	h.catchUp(v, now)
	h.letGo(v)
}
