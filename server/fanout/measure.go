package fanout

import (
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/line"
	"pumpd/server/reason"
)

// A Socket is what the kernel tells of one: see tcp(7), TCP_INFO.
type Socket struct {
	RTT, LeastRTT time.Duration // smoothed, and the least of the last minutes
	Unsent        int           // bytes that wait in the kernel for the peer or for the line
	Sent          uint64        // bytes, what was sent again included, since it began
	Segments      uint32        // that Sent was in
	Arrived       uint32        // of them, those that the peer has
	Again         uint32        // of them, those that were sent again
	Stopped       time.Duration // for which the peer took nothing, in all
}

// A Probe asks for a Socket; false: it is none any more.
type Probe func(fd int32) (Socket, bool)

// A witness is a viewer at the last look at its socket.
type witness struct {
	Socket
	taken uint64 // v.bytes
	calm  bool   // it was seen to get all that it was sent: so when it is held up later, that is the line
}

const (
	measureInterval = 250 * time.Millisecond
	maxWitnesses    = 256 // of a hub: each look costs a microsecond
	maxNewest       = 64

	// A packet that waits so much longer than the shortest round trip stands in a queue.
	queueing = 80 * time.Millisecond
	// And one that waits so much longer, in one that begins to grow. Radio alone makes as much of a difference, so no more
	// comes of it than shorter bursts.
	swelling = 25 * time.Millisecond
	// Of a hundred segments, so many lost and something unsent are too many for a path that only loses some.
	lossy = 4
	// A socket that has taken nothing for so long, though its peer would.
	stuck = time.Second
	// A viewer that has joined so long ago and was never calm is a witness all the same.
	settled = 5 * time.Second
)

// Measure tells the line what its sockets show, four times a second however often it is called, and ends those viewers
// that the line has no room for.
func (h *Hub) Measure(now clock.Instant) {
	passed := now.Since(h.measured)
	if h.line == nil || passed < measureInterval {
		return
	}
	h.measured = now
	r, looked := line.Report{}, 0
	h.seen, h.before = h.before, h.seen
	clear(h.seen)
	demand := int64(0)
	for _, a := range h.audiences {
		if len(a.viewers) == 0 {
			continue
		}
		a.measure(passed)
		demand += a.rate * int64(len(a.viewers))
		r.Viewers += len(a.viewers)
		for _, v := range a.viewers[:min(len(a.viewers), maxWitnesses-looked)] {
			h.look(v, &r, passed)
			looked++
		}
	}
	h.line.Demand(demand - h.demand)
	h.demand = demand
	if looked > 0 {
		r.Given, r.Delivered = scale(r.Given, r.Viewers, looked, passed), scale(r.Delivered, r.Viewers, looked, passed)
	}
	if h.line.Trouble() {
		r.Newest = h.newest()
	}
	if from, ok := h.line.Report(h.id, r, now); ok {
		h.endFrom(from)
	}
}

// scale makes a rate for all viewers of what those took that were looked at.
func scale(bytes int64, all, looked int, passed time.Duration) int64 {
	return int64(float64(bytes) * float64(all) / float64(looked) / passed.Seconds())
}

// look adds what v's socket shows. A viewer that gets its burst is no witness: that may fill its last mile.
func (h *Hub) look(v *Viewer, r *line.Report, passed time.Duration) {
	s, ok := h.probe(v.fd)
	if !ok {
		return
	}
	was, ok := h.before[v]
	now := witness{Socket: s, taken: v.bytes, calm: was.calm}
	if ok {
		r.Given += int64(float64(v.bytes-was.taken) * headers(s, was.Socket))
		r.Delivered += int64(float64(s.Arrived-was.Arrived) * segmentSize(s, was.Socket))
		if s.Stopped-was.Stopped <= passed/2 && (s.Sent > was.Sent || s.Unsent > 0) {
			pressed := h.pressed(v, s, was.Socket)
			now.calm = now.calm || !pressed && v.debt == noDebt
			if now.calm || h.measured.Since(v.joined) >= settled {
				r.Witnesses++
				if pressed {
					r.Pressed++
				}
				if pressed || s.RTT-s.LeastRTT >= swelling {
					r.Slowed++
				}
			}
		}
	}
	h.seen[v] = now
}

// pressed says that v's socket is held up, as a full line does.
func (h *Hub) pressed(v *Viewer, s, was Socket) bool {
	again := s.Again - was.Again
	return s.RTT-s.LeastRTT >= queueing ||
		s.Unsent > 0 && again > 0 && 100*again >= lossy*(s.Segments-was.Segments) ||
		v.state == blocked && h.measured.Since(v.progress) >= stuck
}

// segmentHeaders is how many bytes of a segment are headers, see line.Wire.
const segmentHeaders = 52

// segmentSize is how long the segments are that a socket has sent lately, with their headers.
func segmentSize(s, was Socket) float64 {
	if s.Segments == was.Segments {
		return segmentHeaders
	}
	return float64(s.Sent-was.Sent)/float64(s.Segments-was.Segments) + segmentHeaders
}

// headers is by how much headers make longer what a socket was given lately.
func headers(s, was Socket) float64 {
	size := segmentSize(s, was)
	return size / max(size-segmentHeaders, 1)
}

// measure makes a mean of what a viewer in step is sent.
func (a *audience) measure(passed time.Duration) {
	const weight = 5 * time.Second
	now := float64(a.flow) / passed.Seconds()
	a.rate += int64((now - float64(a.rate)) * min(passed.Seconds()/weight.Seconds(), 1))
	a.flow = 0
}

// newest is when the newest viewers joined, latest first. Servers that relay are not among them: each has viewers of
// its own.
func (h *Hub) newest() (joined []clock.Instant) {
	for _, a := range h.audiences {
		for _, v := range a.viewers {
			if v.state != leaving && !v.dialect.Relay {
				joined = append(joined, v.joined)
			}
		}
	}
	slices.Sort(joined)
	slices.Reverse(joined)
	return joined[:min(len(joined), maxNewest)]
}

// endFrom ends viewers that joined then or later.
func (h *Hub) endFrom(from clock.Instant) {
	for _, a := range h.audiences {
		for _, v := range a.viewers {
			if v.state != leaving && !v.dialect.Relay && v.joined >= from {
				h.owner.End(v, reason.Uplink)
			}
		}
	}
}
