package fanout

import (
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
)

// Where many streams are pulled, a hub has their sources called when a round is due (stream/leisure.go), by the
// goroutine of its alarm, and makes the round when they have read. Other packets wait for that round as for any.

const (
	calledStreams = 16                    // fewer than these may be read as it comes
	calledWait    = 50 * time.Millisecond // and so may those that are sent more often than this
	calledShare   = 8                     // all but one of so many must have news in each round, else why call them
	calledLate    = 20 * time.Millisecond // that a round waits for them, at the most
	readCost      = 15 * time.Microsecond // of CPU time, for a source to be called and read
)

// A turnout counts the streams of a round.
type turnout struct {
	served    int            // had news
	leisurely int            // their sources wait to be called, or would
	read      int            // of these, those that had news
	gap       time.Duration  // how far apart the bursts are; 0: not known, or there is no moment that is good for all
	any       *stream.Stream // one of the leisurely
}

// count counts a in, which has viewers.
func (n *turnout) count(a *audience, news bool) {
	if news {
		n.served++
		n.gap = a.beat.gap
	}
	if n.served > 1 {
		n.gap = 0
	}
	if a.stream.Leisurely() {
		n.leisurely++
		n.any = a.stream
		if news {
			n.read++
		}
	}
}

// reading is the CPU time that it takes to read what the next round sends.
func (n *turnout) reading() time.Duration { return time.Duration(n.leisurely) * readCost }

// worthCalling says whether sources are to be called for the next round, which is wait away.
func (n *turnout) worthCalling(m config.Merge, wait time.Duration) bool {
	return m.Auto && wait >= calledWait && n.read >= calledStreams && n.leisurely-n.read <= n.leisurely/calledShare
}

// call has sources called before each round, if there is one; nil: not any more.
func (h *Hub) call(one *stream.Stream) {
	before := h.reads.Swap(one)
	if (before == nil) == (one == nil) {
		return
	}
	for _, a := range h.audiences {
		if a.listens > 0 {
			a.stream.CalledBy(h.id, one != nil)
		}
	}
}

// called is the pace of rounds before which sources are called, so that no packet waits longer than by p. The reading
// that another hub has planned will do, if it is not much too early.
func (h *Hub) called(p pace, n *turnout) pace {
	next := n.any.PlanReading(h.now, p.latest-n.reading()).Since(h.now)
	if next < p.latest/2 {
		next += p.latest
	}
	return pace{due: next + calledLate, latest: next}
}

// haveRead calls sources, and makes the round due when they have read. On the alarm's goroutine.
func (h *Hub) haveRead() {
	if one := h.reads.Load(); one != nil {
		due := h.due.Load()
		one.Read(h.clock.Now(), calledLate)
		h.due.CompareAndSwap(due, int64(h.clock.Now()))
	}
}
