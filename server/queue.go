package server

import "time"

// Requests have their turns as viewers have. A conn may send hundreds at once, and some hundred conns that do would
// keep the viewers of a loop waiting for a second. A few are answered when they come; who has sent more stands in a
// queue, which goes on after each round, and after a pause: in between the loop looks at what else has come.

const (
	atOnce       = 4  // requests of one conn that are served before others have their turn; WMP sends two
	turnRequests = 64 // that are served from the queue in one turn of the loop: about a millisecond
	turnPause    = time.Millisecond
)

// enqueue lets a conn that has had its turn have another.
func (l *loop) enqueue(c *conn) {
	if len(c.wire.peek()) == 0 || l.overfull(c) || c.queued {
		return
	}
	c.queued = true
	if l.queue = append(l.queue, c); len(l.queue) == 1 {
		l.again.Reset(turnPause)
	}
}

// overfull ends a conn that has sent more than may wait.
func (l *loop) overfull(c *conn) bool {
	most := maxUnserved
	if c.waited && c.waitsFor == nil {
		most = maxWaiting
	}
	over := len(c.wire.peek()) > most
	if over {
		l.mark(c, tooLarge)
	}
	return over
}

// serveQueue gives those who wait their turns, one after the other.
func (l *loop) serveQueue(now instant) {
	for l.served = 0; l.served < turnRequests && len(l.queue) > 0; {
		c := l.queue[0]
		l.queue[0], l.queue = nil, l.queue[1:]
		c.queued = false
		c.waitNoMore()
		if c.phase == awaiting {
			l.process(c, now)
		}
	}
	if len(l.queue) > 0 {
		l.again.Reset(turnPause)
	}
}
