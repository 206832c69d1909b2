package server

import (
	"bytes"
	"errors"
	"slices"
)

// isRoutine says that a news leaves steer nothing to do but what it has asked for already: packets of the lane that
// feeds, with no other lane, no trouble that it could end and no demand to be watched. There are thousands a second of
// them where there are many streams.
func (p *puller) isRoutine(n news) bool {
	return n.batch != nil && !n.batch.other && n.lane == p.on &&
		len(p.lanes) == 1 && !p.awake && p.relieve == nil && n.lane.place.trouble.tries == 0
}

// hear takes what a lane or a probe has found.
func (p *puller) hear(n news, now instant) {
	switch l := n.lane; {
	case n.place != nil:
		p.judge(n.place, n.err, now)
	case !slices.Contains(p.lanes, l): // it says what was on its way when we closed it
	case n.over:
		p.drop(l, n.err, now)
	default:
		if err := p.takeAll(l, n.batch.events, now); err != nil {
			p.drop(l, err, now)
		}
	}
	if n.batch != nil {
		n.batch.release()
	}
}

func (p *puller) takeAll(l *lane, events []event, now instant) error {
	for _, e := range events {
		if err := p.take(l, e, now); err != nil {
			return err
		}
	}
	return nil
}

// take is for what an upstream says. The bytes of e are only lent.
func (p *puller) take(l *lane, e event, now instant) error {
	switch e.kind {
	case eventPath:
		if l.via = string(e.data); p.on == nil || p.on == l {
			p.st.SetPath(l.via)
		}
		return nil
	case eventFile:
		l.file = true
		return nil
	case eventHeader:
		if err := l.setHeader(bytes.Clone(e.data)); err != nil || l != p.on {
			return err
		}
		return p.source.header(e.data)
	}
	l.beat(now)
	if l.lasted() >= steadyRun {
		l.place.trouble.over(p.log, l.place.name, now)
	}
	if l == p.on {
		return p.source.packet(e.data)
	}
	l.keep(bytes.Clone(e.data), now)
	l.near = p.near(l, now)
	return nil
}

// drop closes a lane that has failed. That the source is lost is told by itself, but for one that comes and goes.
func (p *puller) drop(l *lane, err error, now instant) {
	p.close(l)
	o, known := p.ready(), false
	if l == p.on {
		if errors.Is(err, errEnded) {
			p.source.Over()
		}
	}
	switch {
	case l != p.on:
	case o != nil:
		p.turn(o, p.lineUp(o), "the other one is lost")
	case l.place.trouble.tries > 0:
		p.give(p.source.yield)
	default:
		known = true
		p.give(func() { p.source.lost(err) })
	}
	if l.aim == aimRelief {
		p.relief = now // that was none
	}
	l.place.fail(now, l.lasted(), p.random())
	l.place.trouble.tell(p.log, l.place.name, err, known, now)
}

// close stops a lane; it may still be the one that feeds.
func (p *puller) close(l *lane) {
	l.cancel()
	if i := slices.Index(p.lanes, l); i >= 0 {
		p.lanes = slices.Delete(p.lanes, i, i+1)
	}
	if p.relieve != nil && p.relieve.lane == l {
		p.withdraw()
	}
}

// ready is a lane that stands by with a header.
func (p *puller) ready() *lane {
	for _, l := range p.lanes {
		if l != p.on && l.header != nil {
			return l
		}
	}
	return nil
}

// other is a lane that does not feed.
func (p *puller) other() *lane {
	for _, l := range p.lanes {
		if l != p.on {
			return l
		}
	}
	return nil
}
