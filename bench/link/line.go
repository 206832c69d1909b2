// Package link emulates a line: a rate with a queue before it that drops at its tail, then loss, then a delay. A Line
// is one direction of it and knows neither a clock nor a device; Run carries packets through two of them between two
// TUN devices.
//
// Reading order: shape, line, script, way, run; ends, tun and namespace are the kernel's side.
package link

import (
	"math/rand/v2"
	"time"
)

// A Line is one direction. Packets stay in order. Times are since any one moment and never go back. The same calls with
// the same seed have the same result.
type Line struct {
	shape Shape
	dice  *rand.Rand
	count Count

	waiting []packet      // the first is on its way out
	queued  int           // bytes of waiting
	out     time.Duration // when the first of waiting is out
	flying  []packet      // that are out and not lost, oldest first
	held    int           // bytes of waiting and flying
}

type packet struct {
	data []byte
	came time.Duration // to the queue
	due  time.Duration // at the far end, once it is out
}

// maxHeld bounds the bytes on the way whatever the shape says: 2 Gbit/s for a quarter of a second.
const maxHeld = 64 << 20

// NewLine has nothing on it yet.
func NewLine(shape Shape, seed uint64) *Line {
	return &Line{shape: shape, dice: rand.New(rand.NewPCG(seed, 0))}
}

// Send gives the line a packet, which it keeps or drops.
func (l *Line) Send(now time.Duration, data []byte) {
	l.advance(now)
	idle := len(l.waiting) == 0
	if !idle && l.queued+len(data) > l.shape.room() || l.held+len(data) > maxHeld {
		l.count.Dropped.add(data)
		return
	}
	if idle {
		l.out = now + l.shape.takes(len(data))
	}
	l.waiting = append(l.waiting, packet{data: data, came: now})
	l.queued += len(data)
	l.held += len(data)
	l.advance(now) // without a rate it is out already
	l.count.LongestQueue = max(l.count.LongestQueue, l.queued)
}

// Receive is the next packet that has arrived by now, nil if none has.
func (l *Line) Receive(now time.Duration) []byte {
	l.advance(now)
	if len(l.flying) == 0 || l.flying[0].due > now {
		return nil
	}
	p := shift(&l.flying)
	l.held -= len(p.data)
	l.count.Passed.add(p.data)
	return p.data
}

// Next is when to call Receive again, if nothing is sent and nothing set before. It is not ok if nothing is on the way.
func (l *Line) Next() (at time.Duration, ok bool) {
	switch {
	case len(l.flying) > 0:
		return l.flying[0].due, true
	case len(l.waiting) > 0:
		return l.out + l.shape.Delay, true
	}
	return 0, false
}

// Set changes the shape. Packets that wait go out at the new rate, the first with what is left of it; those that are
// out keep their delay.
func (l *Line) Set(now time.Duration, shape Shape) {
	l.advance(now)
	before := l.shape.Rate
	l.shape = shape
	if len(l.waiting) == 0 {
		return
	}
	left := time.Duration(0)
	if shape.Rate > 0 {
		left = time.Duration(int64(l.out-now) * before / shape.Rate)
	}
	l.out = now + left
	l.advance(now)
}

// Count is what has happened so far.
func (l *Line) Count() Count {
	c := l.count
	c.OnTheWay = Amount{int64(len(l.waiting) + len(l.flying)), int64(l.held)}
	return c
}

// advance takes out of the queue what is out by now.
func (l *Line) advance(now time.Duration) {
	for len(l.waiting) > 0 && l.out <= now {
		p := shift(&l.waiting)
		l.queued -= len(p.data)
		l.count.LongestWait = max(l.count.LongestWait, l.out-p.came)
		l.fly(p)
		if len(l.waiting) > 0 {
			l.out += l.shape.takes(len(l.waiting[0].data))
		}
	}
}

// fly sends a packet on from the near end, unless it is lost.
func (l *Line) fly(p packet) {
	if l.dice.Float64() < l.shape.Loss {
		l.held -= len(p.data)
		l.count.Lost.add(p.data)
		return
	}
	p.due = l.out + l.shape.Delay
	if n := len(l.flying); n > 0 {
		p.due = max(p.due, l.flying[n-1].due) // a delay that became shorter overtakes nobody
	}
	l.flying = append(l.flying, p)
}

// shift takes the first packet off a list and lets go of its bytes.
func shift(list *[]packet) packet {
	p := (*list)[0]
	(*list)[0] = packet{}
	*list = (*list)[1:]
	return p
}
