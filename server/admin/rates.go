package admin

import (
	"sync/atomic"
	"time"

	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// rates are what comes into each stream and goes out of it, in bit/s over the last rateSpan.
type rates struct {
	streams func() []*stream.Stream // those there are; another slice when they are others
	room    func() admission.View
	history *history

	// Any goroutine. A map that changes no more.
	of atomic.Pointer[map[*stream.Stream]*flow]

	// The sampling goroutine only.
	known []*stream.Stream // that of is for
}

// A flow is what is measured of one stream.
type flow struct{ in, out meter }

const (
	rateSpan     = 5 * time.Second
	rateInterval = time.Second // between samples
	rateReadings = int(rateSpan/rateInterval) + 1
)

func newRates(s *Subject) *rates {
	r := &rates{streams: s.Streams.Streams, room: s.Room, history: newHistory(s.Streams.Streams())}
	r.of.Store(&map[*stream.Stream]*flow{})
	if err := r.history.resume(s.Past, s.Streams.Streams()); err != nil {
		s.Log.Warn("admin: the past of another process is not shown", "err", err)
	}
	return r
}

// flowOf is that of a stream, at zero before its first sample. Any goroutine.
func (r *rates) flowOf(st *stream.Stream) *flow {
	if f := (*r.of.Load())[st]; f != nil {
		return f
	}
	return &flow{}
}

// run takes samples until stop is closed.
func (r *rates) run(c clock.Clock, stop <-chan struct{}) {
	tick := time.NewTicker(rateInterval)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			r.sample(c.Now())
		}
	}
}

// sample is to be called every rateInterval, always from the same goroutine.
func (r *rates) sample(now clock.Instant) {
	if streams := r.streams(); !same(streams, r.known) {
		r.follow(streams)
	}
	for st, f := range *r.of.Load() {
		f.in.sample(st.Stats().BytesIn.Load(), now)
		f.out.sample(st.Stats().BytesOut.Load(), now)
	}
	room := r.room()
	r.history.look(r.known, uplink{taken: room.Line, usable: room.Usable}, now, time.Now())
}

// same says that two lists are one.
func same(a, b []*stream.Stream) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// follow has those streams measured from now on, and forgets the others.
func (r *rates) follow(streams []*stream.Stream) {
	of := make(map[*stream.Stream]*flow, len(streams))
	for _, st := range streams {
		of[st] = r.flowOf(st)
	}
	r.known = streams
	r.of.Store(&of)
}

// A meter turns a counter of bytes into a rate.
type meter struct {
	// Any goroutine.
	rate atomic.Int64 // bit/s

	// The sampling goroutine only.
	readings [rateReadings]reading // a ring
	taken    int
}

type reading struct {
	at    clock.Instant
	bytes uint64
}

// sample divides by the time that has really passed: ticks come late on a busy machine.
func (m *meter) sample(bytes uint64, now clock.Instant) {
	m.readings[m.taken%rateReadings] = reading{at: now, bytes: bytes}
	m.taken++
	var oldest reading
	if m.taken < rateReadings {
		oldest = m.readings[0]
	} else {
		oldest = m.readings[m.taken%rateReadings]
	}
	if passed := now.Since(oldest.at).Seconds(); passed > 0 {
		m.rate.Store(int64(8 * float64(bytes-oldest.bytes) / passed))
	}
}
