package admin

import (
	"sync/atomic"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
)

// rates are what comes into each stream and goes out of it, in bit/s over the last rateSpan.
type rates struct {
	streams []*stream.Stream // set by newRates, never changed
	in, out []meter          // by the ID of the stream
}

const (
	rateSpan     = 5 * time.Second
	rateInterval = time.Second // between samples
	rateReadings = int(rateSpan/rateInterval) + 1
)

func newRates(streams []*stream.Stream) *rates {
	return &rates{streams: streams, in: make([]meter, len(streams)), out: make([]meter, len(streams))}
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
	for i, st := range r.streams {
		r.in[i].sample(st.Stats().BytesIn.Load(), now)
		r.out[i].sample(st.Stats().BytesOut.Load(), now)
	}
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
