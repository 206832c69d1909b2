package pull

import (
	"bytes"
	"errors"
	"slices"

	"pumpd/server/clock"
	"pumpd/server/upstream"
)

// isRoutine says that a report leaves reconcile nothing to do but what it has asked for already: packets of the active
// lane, with no other lane, no outage that it could end and no demand to be watched. There are thousands a second of
// them where there are many streams.
func (p *puller) isRoutine(n report) bool {
	return n.batch != nil && !n.batch.other && n.lane == p.active &&
		len(p.lanes) == 1 && !p.awake && p.handover == nil && n.lane.origin.outage.Tries == 0
}

// handle takes what a lane or a probe has found.
func (p *puller) handle(n report, now clock.Instant) {
	switch l := n.lane; {
	case n.probed != nil:
		p.judge(n.probed, n.err, now)
	case !slices.Contains(p.lanes, l): // it says what was on its way when we closed it
	case n.over:
		p.drop(l, n.err, now)
	default:
		if err := p.takeAll(l, n.batch.events, now); err != nil {
			p.drop(l, err, now)
		}
	}
	if n.batch != nil {
		if n.batch.all {
			p.st.HasRead()
		}
		n.batch.release()
	}
}

func (p *puller) takeAll(l *lane, events []upstream.Event, now clock.Instant) error {
	for _, e := range events {
		if err := p.take(l, e, now); err != nil {
			return err
		}
	}
	return nil
}

// take is for what an upstream says. The bytes of e are only lent.
func (p *puller) take(l *lane, e upstream.Event, now clock.Instant) error {
	switch e.Kind {
	case eventPath:
		if l.via = string(e.Data); p.active == nil || p.active == l {
			p.st.SetVia(l.via)
		}
		return nil
	case eventFile:
		l.file = true
		return nil
	case upstream.EventHeader:
		if err := l.setHeader(bytes.Clone(e.Data)); err != nil || l != p.active {
			return err
		}
		return p.source.Header(e.Data)
	}
	l.came(now)
	if l.lasted() >= steadyRun {
		l.origin.outage.End(p.Log, l.origin.name, now)
	}
	if l == p.active {
		return p.source.Packet(e.Data)
	}
	l.keep(bytes.Clone(e.Data), now)
	l.near = p.near(l, now)
	return nil
}

// drop closes a lane that has failed. That the source is lost is told by itself, but for one that comes and goes.
func (p *puller) drop(l *lane, err error, now clock.Instant) {
	p.close(l)
	o, known := p.ready(), false
	if l == p.active {
		if errors.Is(err, upstream.ErrEnded) {
			p.source.Over()
		}
	}
	switch {
	case l != p.active:
	case o != nil:
		p.switchTo(o, p.lineUp(o), "the other one is lost")
	case l.origin.outage.Tries > 0:
		p.release(p.source.Yield)
	default:
		known = true
		p.release(func() { p.source.Lost(err) })
	}
	if l.aim == aimRelief {
		p.relief = now // that was none
	}
	l.origin.fail(now, l.lasted(), p.random())
	l.origin.outage.Log(p.Log, l.origin.name, err, known, now)
}

// close stops a lane; it may still be the one that feeds.
func (p *puller) close(l *lane) {
	l.cancel()
	if i := slices.Index(p.lanes, l); i >= 0 {
		p.lanes = slices.Delete(p.lanes, i, i+1)
	}
	if p.handover != nil && p.handover.lane == l {
		p.withdraw()
	}
}

// ready is a lane that stands by with a header.
func (p *puller) ready() *lane {
	for _, l := range p.lanes {
		if l != p.active && l.header != nil {
			return l
		}
	}
	return nil
}

// other is a lane that does not feed.
func (p *puller) other() *lane {
	for _, l := range p.lanes {
		if l != p.active {
			return l
		}
	}
	return nil
}
