package stream

import (
	"sync/atomic"
	"time"

	"pumpd/server/clock"
)

// A source that reads from a connection may do so at leisure. Where there are many streams, to be woken for each packet
// costs more than all that is done with it; so what has come is left in the socket until the loops that have viewers
// are about to make their rounds. Then all such sources are called, and the rounds begin when they have read:
//
//	upstream   ·  ·   ·  ·  ·   ·  ·  ·   ·  ·  ·      packets
//	source     ────────── called, reads ────────── called, reads
//	loop       ── round ──────────────── round ───────────────── round

// leisure is what a stream's source and loops have to know of each other for that. Any goroutine.
type leisure struct {
	callers   loopSet                 // the loops that have sources called before their rounds
	leisurely atomic.Bool             // the source waits for that, where all loops that listen do it
	waits     atomic.Bool             // it does now
	calls     chan struct{}           // holds one, which it may see late
	reading   atomic.Pointer[reading] // for which it has been called and has not read yet
}

// A reading is one call of all sources that wait for it.
type reading struct {
	begun clock.Instant
	left  atomic.Int32  // sources that have not read yet, and one while others are being called
	done  chan struct{} // closed when all have
}

func newReading(now clock.Instant) *reading {
	r := &reading{begun: now, done: make(chan struct{})}
	r.left.Store(1)
	return r
}

// answer says that one source has read, or that all are called.
func (r *reading) answer() {
	if r.left.Add(-1) == 0 {
		close(r.done)
	}
}

// readings are when the sources of all streams are called: at the same moments, for that costs least, and so the rounds
// of all loops are at the same moments. Any goroutine.
type readings struct {
	next atomic.Int64            // instant
	last atomic.Pointer[reading] // nil: there was none
}

// readingsApart is more than two loops are apart that mean the same reading, and less than there is between two.
const readingsApart = 10 * time.Millisecond

// PlanReading is for a loop that calls, behind a reading: the next one is to be period after that. It says when that
// is, which another loop may have planned.
func (st *Stream) PlanReading(now clock.Instant, period time.Duration) clock.Instant {
	r := &st.reg.readings
	last := clock.Instant(r.next.Load())
	if now.Before(last) {
		return last
	}
	next := last.Add(period)
	if next.Since(now) <= period/2 {
		next = now.Add(period)
	}
	r.next.CompareAndSwap(int64(last), int64(next))
	return clock.Instant(r.next.Load())
}

// Read calls the sources of all streams that wait for it, and returns when they have read, or after limit. It is not
// for loops, which never wait.
func (st *Stream) Read(now clock.Instant, limit time.Duration) {
	last := &st.reg.readings.last
	r := last.Load()
	if r == nil || now.Since(r.begun) >= readingsApart {
		if next := newReading(now); last.CompareAndSwap(r, next) {
			for _, s := range st.reg.Streams() {
				s.call(next)
			}
			next.answer()
		}
		r = last.Load()
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-r.done:
	case <-late.C:
	}
}

// call has the source read, if it waits for that.
func (st *Stream) call(r *reading) {
	l := &st.leisure
	if !l.waits.CompareAndSwap(true, false) {
		return
	}
	r.left.Add(1)
	l.reading.Store(r)
	select {
	case l.calls <- struct{}{}:
	default: // there is one that it has not seen
	}
}

// HasRead is for the source, when all that had come is in the chain.
func (st *Stream) HasRead() {
	l := &st.leisure
	if l.reading.Load() == nil {
		return
	}
	if r := l.reading.Swap(nil); r != nil {
		r.answer()
	}
}

// CalledBy says of a loop whether it has the stream's source called before each of its rounds.
func (st *Stream) CalledBy(id int, calls bool) {
	if calls {
		st.leisure.callers.add(id)
		return
	}
	st.leisure.callers.remove(id)
	st.call(newReading(0)) // it may be waiting for that loop, and nobody for it
}

// Called says that there are loops that listen, and that all of them have the source called.
func (st *Stream) Called() bool { return st.loops.within(&st.leisure.callers) }

// Leisurely says that the source would wait to be called.
func (st *Stream) Leisurely() bool { return st.leisure.leisurely.Load() }

// SetLeisurely is for the source.
func (st *Stream) SetLeisurely(leisurely bool) {
	if l := &st.leisure; l.leisurely.Load() != leisurely {
		l.leisurely.Store(leisurely)
	}
}

// AwaitCall is for the source: it waits for a call, or for either channel. Now and then it returns without.
func (st *Stream) AwaitCall(stop <-chan struct{}, late <-chan time.Time) {
	st.leisure.waits.Store(true)
	select {
	case <-st.leisure.calls:
	case <-stop:
	case <-late:
	}
	st.leisure.waits.Store(false)
}
