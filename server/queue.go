package server

import (
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
)

// Pipelined requests are served in turns. A conn may send hundreds at once, and a hundred conns that do would keep the
// viewers of the loop waiting for a second. The first few are answered when they come; a conn that has sent more stands
// in a queue. It is served after each round and after a pause, so that the loop can see to its other events in between.
// Who has waited for a stream, or for a password's check, stands there too; but while others pipeline, the queue has a
// fifth of the loop's time at the most.

const (
	atOnce        = 4  // requests of one conn that are served when they come; Windows Media Player sends two
	queueRequests = 64 // that are served from the queue at a time: about a millisecond
	queuePause    = time.Millisecond
	queueShare    = 5 // of the loop's time the queue has one part in so many
)

// enqueue has the rest of a conn's input served in its turn.
func (l *loop) enqueue(c *conn) {
	if len(c.wire.peek()) == 0 || l.overfull(c) || c.queued {
		return
	}
	c.queued = true
	if l.queue = append(l.queue, c); len(l.queue) == 1 {
		l.again.Reset(queuePause)
	}
}

// overfull ends a conn that has sent more than may wait in its input, and says whether it did.
func (l *loop) overfull(c *conn) bool {
	most := maxUnserved
	if c.waited && c.waitsFor == nil {
		most = maxWaiting
	}
	over := len(c.wire.peek()) > most
	if over {
		l.mark(c, reason.TooLarge)
	}
	return over
}

// serveQueue serves conns in the queue, those that came first first, as far as queueRequests go.
func (l *loop) serveQueue(now clock.Instant) {
	if len(l.queue) == 0 || now.Before(l.resting) {
		return
	}
	begun, pipelined := l.clock.Now(), false
	for l.served = 0; l.served < queueRequests && len(l.queue) > 0; {
		c := l.queue[0]
		l.queue[0], l.queue = nil, l.queue[1:]
		c.queued = false
		pipelined = pipelined || !c.waited
		c.waitNoMore()
		if c.phase == awaiting {
			l.process(c, now)
		}
	}
	pause := queuePause
	if pipelined {
		ended := l.clock.Now()
		rest := (queueShare - 1) * ended.Since(begun)
		l.resting, pause = ended.Add(rest), max(pause, rest)
	}
	if len(l.queue) > 0 {
		l.again.Reset(pause)
	}
}
