package forward

import (
	"math"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A position is where a forward is in the chain:
//
//	kept ──▶ … ──▶ acknowledged ──▶ … ──▶ sent ──▶ … ──▶ the chain's end
//
// What is behind kept is held in memory. What the other side's TCP has acknowledged it may still have lost, where that
// was a proxy's, so that is held too; it tells itself where to go on, if it is a pump. The zero value is nowhere.
type position struct {
	kept point
	sent point  // up to here packets were given to the connection
	open []span // those behind what is acknowledged, oldest first

	again *stream.Element // up to here packets have been sent before; nil: none
}

// A point is in the chain behind an element, in a generation.
type point struct {
	at  *stream.Element // nil: nowhere
	gen *stream.Generation
}

// after is the point behind e, which is the element after p's.
func (p point) after(e *stream.Element) point {
	if e.Kind() == stream.HeaderElement {
		return point{e, e.Generation()}
	}
	return point{e, p.gen}
}

// A span says that what is before to is with the other side when it has so many bytes of the connection.
type span struct {
	from, to point
	end      int64
}

// unwritten is the end of a span that is not written yet.
const unwritten = math.MaxInt64

// mostKept is how much memory of the chain a forward holds at most, bytes.
const mostKept = 64 << 20

// begin sets the position: the next element is the one after p's.
func (p *position) begin(at point) { *p = position{kept: at, sent: at} }

func (p *position) set() bool { return p.sent.at != nil }

// pending says that there is something to send, or to send again.
func (p *position) pending() bool { return p.set() && (len(p.open) > 0 || p.sent.at.Next() != nil) }

// pass notes that the element after sent is given to the connection. It says whether it was before.
func (p *position) pass(e *stream.Element) (again bool) {
	again = p.again != nil && !e.After(p.again)
	if !again {
		p.again = nil
	}
	to := p.sent.after(e)
	p.open = append(p.open, span{p.sent, to, unwritten})
	p.sent = to
	return again
}

// acknowledge notes how many bytes of the connection the other side has.
func (p *position) acknowledge(bytes int64) {
	n := 0
	for n < len(p.open) && p.open[n].end <= bytes {
		n++
	}
	p.open = p.open[:copy(p.open, p.open[n:])]
	clear(p.open[len(p.open):cap(p.open)]) // they must not hold the chain
}

// acknowledged is the point up to which it has.
func (p *position) acknowledged() point {
	if len(p.open) > 0 {
		return p.open[0].from
	}
	return p.sent
}

// hold lets go of what is older than long or too much, but not of what is to be sent; and of the position, when that
// is. Without a connection only.
func (p *position) hold(now clock.Instant, long time.Duration, j *stream.Joins) {
	p.trim(now, long, j)
	if next := nextOf(p.acknowledged().at); next != nil && (now.Since(next.At()) > long || p.size(j) > mostKept) {
		*p = position{}
	}
}

// trim lets go of what is older than long or too much, as far as it is acknowledged.
func (p *position) trim(now clock.Instant, long time.Duration, j *stream.Joins) {
	last := p.acknowledged().at
	for p.set() && p.kept.at != last {
		e := p.kept.at.Next()
		if now.Since(e.At()) <= long && p.size(j) <= mostKept {
			return
		}
		p.kept = p.kept.after(e)
	}
}

// size is how much memory is held, up to the newest key frame.
func (p *position) size(j *stream.Joins) uint64 {
	if j == nil || !j.Newest.After(p.kept.at) {
		return 0
	}
	return j.Newest.BytesSince(p.kept.at)
}

func nextOf(e *stream.Element) *stream.Element {
	if e == nil {
		return nil
	}
	return e.Next()
}

// lag is for how long the oldest element has waited that the other side does not have.
func (p *position) lag(now clock.Instant) time.Duration {
	if e := nextOf(p.acknowledged().at); e != nil {
		return now.Since(e.At())
	}
	return 0
}

// behind is for how long the next element has waited to be sent.
func (p *position) behind(now clock.Instant) time.Duration {
	if e := nextOf(p.sent.at); e != nil {
		return now.Since(e.At())
	}
	return 0
}

// resume goes back to a point between kept and sent.
func (p *position) resume(at point) {
	p.again = p.sent.at
	p.sent, p.open = at, nil
}

// find gives the point before the packets with a send time, the newest such if there are several runs of them.
func (p *position) find(send uint32) (found point, ok bool) {
	inside := false
	at := p.kept
	for e := at.at.Next(); e != nil; e = e.Next() {
		if e.Kind() == stream.PacketElement {
			p, err := at.gen.Header().ParsePacket(e.Full())
			is := err == nil && p.SendTime == send
			if is && !inside {
				found, ok = at, true
			}
			inside = is
		}
		at = at.after(e)
	}
	return found, ok
}

// skip goes on with the newest key frame, where that is farther on.
func (p *position) skip(j *stream.Joins) bool {
	if j == nil || !j.Newest.After(p.sent.at) {
		return false
	}
	p.sent = point{j.Newest, j.Gen}
	return true
}
