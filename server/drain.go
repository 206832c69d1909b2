package server

import (
	"math"
	"math/rand/v2"
	"time"

	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// A drain is the end of a pump that others take over from: nobody new is let in, and viewers are told to go one by one,
// so that they do not all come to the next pump at the same moment. Sources go on until the last of them is gone.
//
//	Drain ─▶ not ready, newcomers are sent elsewhere ─▶ on each loop, viewers in any order, evenly over the time
//	                                                       └─▶ none is left, or the time is over: the stop

// Drain begins it, and Run returns when it is over: after timeouts.drain and a stop at the latest, which Drain returns;
// 0 is at once. Any goroutine, any number of times.
func (s *Server) Drain() time.Duration {
	s.drainOnce.Do(func() { close(s.drained) })
	return time.Duration(s.config().Timeouts.Drain)
}

// isDraining says whether Drain was called. Any goroutine.
func (s *Server) isDraining() bool {
	select {
	case <-s.drained:
		return true
	default:
		return false
	}
}

// A drain belongs to the server's own goroutine; nil: there is none.
type drain struct {
	ends clock.Instant
	tick *time.Ticker
}

// beginDrain lets no viewer in any more and has the loops begin. nil: there is no time for it.
func (s *Server) beginDrain() *drain {
	now, long := s.clock.Now(), time.Duration(s.config().Timeouts.Drain)
	if long == 0 {
		return nil
	}
	s.log.Info("draining", "viewers", s.watched(), "for", long)
	s.node.ledger.Shut(admission.Draining, true)
	s.manager.Stopping(long+shutdownTime+lastWords, s.summary())
	ends := now.Add(long)
	s.node.tell(func(l *loop, now clock.Instant) { l.drain(ends, now) })
	return &drain{ends: ends, tick: time.NewTicker(drainCheck)}
}

const drainCheck = 50 * time.Millisecond

// look is when to ask whether it is over.
func (d *drain) look() <-chan time.Time {
	if d == nil {
		return nil
	}
	return d.tick.C
}

// isDrained says that a drain is over.
func (s *Server) isDrained(d *drain) bool {
	over := s.watched() == 0 || s.clock.Now() >= d.ends
	if over {
		d.tick.Stop()
	}
	return over
}

// watched is how many viewers there are and wait, of all streams.
func (s *Server) watched() (n int64) {
	for _, st := range s.reg.Streams() {
		n += st.Watched()
	}
	return n
}

// A loopDrain is what is left to do of a drain on one loop.
type loopDrain struct {
	left  []*conn // viewers, in the order in which they go, the last one first
	all   int     // as many as there were
	phase float64 // by how much of the time between two of them the first one goes later; loops differ in it
	begun clock.Instant
	ends  clock.Instant
}

// drain has the loop's viewers go by an instant, in any order. Whoever waits for a stream is told at once that it will
// not come here.
func (l *loop) drain(ends, now clock.Instant) {
	l.owner.check()
	d := loopDrain{phase: rand.Float64(), begun: now, ends: ends}
	for _, c := range l.conns {
		if c != nil && c.viewer != nil {
			d.left = append(d.left, c)
		}
	}
	rand.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	d.all = len(d.left)
	l.draining = d
	for st := range l.held {
		l.unholdAll(st, now)
	}
}

// drainSome sends as many viewers away as are due until it is called again, after choreInterval.
func (l *loop) drainSome(now clock.Instant) {
	d := &l.draining
	for keep := d.all - d.gone(now); len(d.left) > keep; {
		last := len(d.left) - 1
		c := d.left[last]
		d.left[last] = nil
		if d.left = d.left[:last]; c.viewer != nil {
			l.dismiss(c, reason.ShuttingDown, now)
		}
	}
}

// gone is how many are to be gone now: all of them in time for the end, which comes before the next look.
func (d *loopDrain) gone(now clock.Instant) int {
	if d.ends.Since(now) <= choreInterval {
		return d.all
	}
	part := now.Since(d.begun).Seconds() / d.ends.Since(d.begun).Seconds()
	return max(0, int(math.Ceil(float64(d.all)*part-d.phase)))
}

// dismiss ends a viewer as its source would. Other pumps get a FIN alone: to them that is a lost source, which may come
// back or be elsewhere, and their viewers wait for it.
func (l *loop) dismiss(c *conn, why reason.Reason, now clock.Instant) {
	if c.viewer.Dismissable() {
		l.hub.Dismiss(c.viewer, why, now)
	} else {
		l.mark(c, why)
	}
}
