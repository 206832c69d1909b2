package server

import (
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// How a loop's connections end: they are marked anywhere and swept when the callback that is being served is over.

// mark has a conn end when the callback that is being served is over: a round may be walking the viewers right now. The
// first reason counts.
func (l *loop) mark(c *conn, why reason.Reason) {
	l.owner.check()
	if c.why != reason.None {
		return
	}
	c.why = why
	if c.viewer != nil {
		c.viewer.Leave()
	}
	l.leaving = append(l.leaving, c)
}

// sweep ends the conns that are marked. It is the last thing that a callback does.
func (l *loop) sweep(now clock.Instant) {
	l.owner.check()
	for len(l.leaving) > 0 {
		c := l.leaving[len(l.leaving)-1]
		l.leaving = l.leaving[:len(l.leaving)-1]
		l.leave(c, now)
	}
	l.serving = false
	l.hub.CountSends()
}

// leave takes a marked conn away from its stream and closes its connection: with a FIN and lingerTime for the peer to
// read the rest, or at once where nothing more can be sent or read.
func (l *loop) leave(c *conn, now clock.Instant) {
	if c.viewer != nil {
		l.part(c, now)
	}
	delete(l.asking, c)
	delete(l.since, c)
	l.unlistHeld(c)
	c.waitNoMore()
	if c.push != nil {
		c.push.gone(c, c.why)
		c.push = nil
	}
	if c.phase == closed {
		return
	}
	c.phase, c.deadline = closing, now.Add(lingerTime)
	if c.why == reason.MMSTProbe {
		c.deadline = now.Add(probeTime)
	}
	switch c.why {
	case reason.Stalled, reason.WriteFailed, reason.Uplink: // what the kernel holds for it must not fill the line
		c.wire.close(true)
	case reason.ClientClosed:
		c.wire.close(false)
	default:
		c.sending(now)
		c.shut()
	}
}

// closed is called when a connection is gone, by the peer's doing or ours: also in the middle of a write of the conn's
// own, for gnet calls OnClose before such a write returns.
func (l *loop) closed(c *conn) {
	l.owner.check()
	if c.phase == closed {
		return
	}
	l.mark(c, reason.ClientClosed)
	c.phase = closed
	l.conns.remove(c)
	delete(l.fronts, c)
	delete(l.kept, c)
	l.unschedule(c)
	l.stats.ended[c.why].Add(1)
	if !l.serving {
		l.sweep(l.now)
	}
}

// doChores has conns and viewers look at what is overdue: those with deadlines every choreInterval, viewers every
// second.
func (l *loop) doChores(now clock.Instant) {
	for i := len(l.waiting) - 1; i >= 0; i-- { // backwards: a chore may take its conn out
		l.waiting[i].chore(now)
	}
	l.hub.DoChores(now)
	l.hub.Measure(now)
	l.drainSome(now)
	l.reportSome(now)
	l.noteFirstBytes(now)
}

// schedule lists a conn among those whose deadlines are looked at, unschedule takes it out.
func (l *loop) schedule(c *conn) {
	l.owner.check()
	c.slot = int32(len(l.waiting))
	l.waiting = append(l.waiting, c)
}

func (l *loop) unschedule(c *conn) {
	l.owner.check()
	if c.slot < 0 {
		return
	}
	last := l.waiting[len(l.waiting)-1]
	l.waiting[c.slot], last.slot = last, c.slot
	l.waiting[len(l.waiting)-1] = nil
	l.waiting = l.waiting[:len(l.waiting)-1]
	c.slot = -1
}

// stop ends all conns: viewers get the end of their stream, encoders a status, and all a FIN.
func (l *loop) stop(now clock.Instant) {
	l.owner.check()
	l.stopping = true
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if c.viewer != nil {
			l.dismiss(c, reason.ShuttingDown, now)
			continue
		}
		if c.push != nil && c.phase == feeding {
			l.dropEncoder(c, 503, "shutting down", reason.ShuttingDown)
		}
		l.mark(c, reason.ShuttingDown)
	}
}
