package fanout

import (
	"math"
	"time"

	"pumpd/server/clock"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// Where the node knows its line, a hub sends no faster than the line carries. Who is not sent to for that waits in a
// queue of the hub's, and goes on in turn:
//
//	round ─▶ viewers in step ─┬─▶ engine              as far as the line is free
//	                          └─▶ waiting[Live]  ─┐   the rest of the round
//	joiners, late viewers ──────▶ waiting[Burst] ─┼─▶ Turn   what the live packets leave
//	joiners' headers ───────────▶ arrivals ───────┘
//
// The queues hold viewers that have left, or went on otherwise, until their turn comes.

// A debt is what a viewer has to catch up on.
type debt uint8

const (
	noDebt   debt = iota // it is in step, or a moment behind; then late
	joining              // its burst; then noDebt
	late                 // what its socket did not take in time; then noDebt
	restored             // its burst, of which it has had nothing in another process; when it is adopted joining
)

// lateAge is how old what a viewer lacks is when it counts as late. Before that it is sent to as the others.
const lateAge = 2 * time.Second

// unmetered is the room of a turn where the line is not known.
const unmetered = math.MaxInt

// starting says that v has had no packet, and that where it starts is not settled: it waits for its burst.
func (v *Viewer) starting() bool {
	return v.debt == joining && v.packetless() && v.verdict == reason.None
}

// packetless says that v has had no packet.
func (v *Viewer) packetless() bool { return v.seq == 0 && v.base == v.at.Following() }

// lacks says that there is something to send to v. One that has joined since the last round may be ahead of that.
func (v *Viewer) lacks() bool { return v.audience.at.After(v.at) || v.lead != nil }

// classOf says what v is sent next.
func (h *Hub) classOf(v *Viewer) line.Class {
	if v.debt == noDebt {
		if missed := v.at.Next(); missed != nil && h.now.Since(missed.At()) > lateAge {
			v.debt = late
		}
	}
	if v.debt == noDebt {
		return line.Live
	}
	return line.Burst
}

// meteredTurn is a turn as far as the line is free. Its lead, the reply's head or the end, does not wait for that.
func (h *Hub) meteredTurn(v *Viewer) {
	if v.starting() && h.line.Known() { // its socket was full before it had all of the header
		h.arrive(v, h.now)
		return
	}
	c, claimed := h.classOf(v), 0
	if len(h.waiting[c]) == 0 {
		claimed = h.line.Claim(turnBytes, c, h.now, h.now)
	}
	if h.spend(v, c, claimed); v.state == following && v.lacks() {
		h.enqueue(v, c)
	}
}

// spend sends v as much as was claimed.
func (h *Hub) spend(v *Viewer, c line.Class, claimed int) {
	before := v.bytes
	h.room = claimed
	h.offer(v)
	h.room = unmetered
	sent := line.Wire(int(v.bytes - before))
	h.line.Settle(claimed, sent, c)
	if c == line.Burst {
		h.owe(-int64(sent))
	}
	if !v.lacks() {
		v.debt = noDebt
	}
}

// owe counts what joiners were promised; it is never negative.
func (h *Hub) owe(bytes int64) {
	bytes = max(bytes, -h.owed)
	h.owed += bytes
	h.line.Owe(bytes)
}

// enqueue has v wait until the line is free.
func (h *Hub) enqueue(v *Viewer, c line.Class) {
	v.state = queued
	if len(h.waiting[c]) == 0 {
		h.since[c] = h.now
	}
	h.waiting[c] = append(h.waiting[c], v)
	h.resume(c, h.now)
}

// resume wakes the loop when the line is free for a class.
func (h *Hub) resume(c line.Class, now clock.Instant) {
	if h.resuming.CompareAndSwap(false, true) {
		h.resumeIn(h.line.Wait(c, now))
	}
}

// serve gives those turns that wait for the line, as far as it is free now. Whoever gets a part of a burst goes behind
// some others, so that none has much more in its socket than TCP sends at once; not behind all, for what a viewer is
// behind by grows while it waits.
func (h *Hub) serve(c line.Class, now clock.Instant) {
	h.now = now
	q := h.waiting[c]
	served := 0
	for served < len(q) {
		v := q[served]
		if v.state != queued {
			served++
			continue
		}
		claimed := h.line.Claim(turnBytes, c, h.since[c], now)
		if claimed == 0 {
			break
		}
		v.state = following
		if v.starting() && v.lead == nil {
			h.start(v)
		}
		h.catchUp(v, now)
		if h.spend(v, c, claimed); v.state != following || !v.lacks() {
			served++
			continue
		}
		v.state = queued
		next := q[served:min(served+atOnce, len(q))]
		copy(next, next[1:])
		next[len(next)-1] = v
	}
	left := copy(q, q[served:])
	clear(q[left:])
	h.waiting[c] = q[:left]
	if left > 0 {
		h.since[c] = now
		h.resume(c, now)
	} else if c == line.Burst {
		h.owe(-h.owed)
	}
}

// sendShaped is sendSegment where the node knows its line. Each viewer keeps its place in the order, and newcomers are
// last: so packets come to everybody as evenly as they are made, and to those who were there about as early as before.
func (h *Hub) sendShaped(a *audience, now clock.Instant) (behind bool) {
	size := line.Wire(h.segment.size())
	a.flow += uint64(size)
	claimed, sent, free := 0, 0, true
	for _, v := range a.viewers {
		if sent >= claimed && free { // little at a time: all loops have somebody who is first
			c := line.First
			if now.Since(v.joined) < newcomer {
				c = line.Live
			}
			more := h.line.Claim(max(size, h.line.Share()), c, now, now)
			claimed, free = claimed+more, more > 0
		}
		switch {
		case !v.inStep(h.segment.from):
			behind = behind || v.state == following
		case sent >= claimed:
			v.state = queued
			h.deferred = append(h.deferred, v)
		default:
			b := h.segment.patchedFor(v)
			sent += line.Wire(len(b))
			h.engine.Send(v, b, h)
		}
	}
	h.engine.Flush()
	h.line.Settle(claimed, sent, line.Live)
	if len(h.deferred) > 0 {
		h.waitFirst()
	}
	return behind
}

// waitFirst has those wait for the line who are deferred, before those who do so already: these are newer.
func (h *Hub) waitFirst() {
	q := h.waiting[line.Live]
	if len(q) == 0 {
		h.since[line.Live] = h.now
	}
	all := append(h.deferred, q...)
	clear(q)
	h.waiting[line.Live], h.deferred = all, q[:0]
	h.resume(line.Live, h.now)
}

// count counts one who is new in a, and gets g, among those who take a part of the line.
func (h *Hub) count(a *audience, g *stream.Generation) {
	if len(a.viewers) == 0 {
		a.flow, a.rate = 0, int64(line.Wire(int(g.Header().Bitrate()/8)))
	}
	h.expect(a.rate)
}

// arrive has v, which is new, wait for the reply and the header. They come before all bursts, but not before packets
// that are due: those of a herd together are many.
func (h *Hub) arrive(v *Viewer, now clock.Instant) {
	v.state = queued
	h.arrivals = append(h.arrivals, v)
	h.welcome(now)
	h.serve(line.Burst, now)
}

// welcome greets those who have arrived, as far as the line is free now.
func (h *Hub) welcome(now clock.Instant) {
	h.now = now
	served := 0
	for _, v := range h.arrivals {
		if v.state == queued {
			turn := line.Burst
			if now.Since(v.joined) > longWait {
				turn = line.First
			}
			claimed := h.line.Claim(max(line.Wire(v.lead.size()), 1), turn, now, now)
			if claimed == 0 {
				break
			}
			v.state = following
			h.greet(v, claimed)
		}
		served++
	}
	left := copy(h.arrivals, h.arrivals[served:])
	clear(h.arrivals[left:])
	if h.arrivals = h.arrivals[:left]; left > 0 {
		h.resume(line.Burst, now)
	}
}

// greet sends v the reply and the header, and has it wait for its burst. How long that is shows when its turn comes.
// Where the next key frame comes in not much more time than paying takes, v waits for that: it costs nothing.
func (h *Hub) greet(v *Viewer, claimed int) {
	before := v.bytes
	h.room = 0
	h.offer(v)
	h.room = unmetered
	h.line.Settle(claimed, line.Wire(int(v.bytes-before)), line.Burst)
	j := v.audience.stream.Joins()
	if v.state != following {
		return
	}
	if j == nil || j.Gen != v.gen {
		h.enqueue(v, line.Burst)
		return
	}
	_, least := j.Within(0)
	if next, ok := j.NextKey(h.now); ok && next < 2*h.line.PaidIn(least) {
		v.state, v.debt = queued, noDebt
		v.audience.patient = append(v.audience.patient, v)
		return
	}
	h.owe(least)
	h.enqueue(v, line.Burst)
}

// start chooses where v starts, whose turn it is: as far back as the line can pay for. A key frame that no round has
// come to yet is none to start at.
func (h *Hub) start(v *Viewer) {
	j := v.audience.stream.Joins()
	if j == nil || j.Gen != v.gen {
		return
	}
	newest, least := j.WithinUpTo(0, v.audience.at)
	if newest == nil {
		return
	}
	if h.now.Since(v.joined) > longWait {
		v.restart(newest)
		return
	}
	j, ahead := j.WithinUpTo(h.line.Credit()+least, v.audience.at)
	h.owe(ahead - least)
	v.restart(j)
}

const (
	// longWait is how long a newcomer waits for its turn where the line has next to nothing left: then its burst is short,
	// and its header comes whatever else is to be sent.
	longWait = 250 * time.Millisecond
	// atOnce is how many viewers get their bursts by turns.
	atOnce = 4
	// newcomer is for how long live packets of others go first.
	newcomer = 10 * time.Second
)

// release has those go on who waited for a key frame, if their audience is past one.
func (h *Hub) release(a *audience, now clock.Instant) {
	j := a.stream.Joins()
	waiting := a.patient[:0]
	for _, v := range a.patient {
		if v.state != queued {
			continue // it has left, and if it was the last one the audience is nowhere
		}
		same := j != nil && j.Gen == v.gen
		there := same && j.Newest.After(v.at) && !j.Newest.After(a.at)
		if same && !there && now.Since(v.joined) < stream.KeyPatience {
			waiting = append(waiting, v)
		} else {
			v.debt = joining
			h.enqueue(v, line.Burst)
		}
	}
	clear(a.patient[len(waiting):])
	a.patient = waiting
}

// expect adds to what viewers in step take, in bytes a second.
func (h *Hub) expect(rate int64) {
	h.demand += rate
	h.line.Demand(rate)
}

// tooDear says that v is late by more than the line can pay for: rather than to be ever later it skips. While the line
// is full others are ended for it first.
func (h *Hub) tooDear(v *Viewer, behind time.Duration, bytes uint64) bool {
	if h.line == nil || v.debt != late || behind < earlyLag || h.line.Full() {
		return false
	}
	return h.line.Known() && h.line.PaidIn(int64(bytes)) > longDebt
}

// A viewer that is so far behind skips if the line needs so long to pay for that.
const (
	earlyLag = 4 * time.Second
	longDebt = 8 * time.Second
)
