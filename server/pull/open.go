package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/pulse"
)

// openNeeded opens the lanes that are needed.
func (p *puller) openNeeded(now clock.Instant) {
	switch {
	case p.pair:
		p.openBest(aimPair, now)
	case len(p.lanes) == 0:
		p.openBest(aimFeed, now)
	case len(p.origins) == 1 || p.handover != nil:
	case len(p.lanes) > 1:
		p.hurry(now)
	case p.active == nil:
		if due := p.lanes[0].opened.Add(pulse.Relief); now < due {
			p.lookAt(due)
		} else {
			p.openBest(aimFeed, now)
		}
	default:
		p.openRelief(now)
		p.openReturn(now)
	}
}

var errNoAnswer = errors.New("no answer")

// hurry gives up waiting for an upstream that does not answer, if there is a third that may be better.
func (p *puller) hurry(now clock.Instant) {
	better := func(q *origin) bool { return p.laneOf(q) == nil && now >= p.due(q) && !q.suspect(now) }
	l, last := p.other(), p.lanes[1]
	if l.header != nil || l.aim == aimReturn || !slices.ContainsFunc(p.origins, better) {
		return
	}
	if due := last.opened.Add(pulse.Relief); now < due {
		p.lookAt(due)
		return
	}
	p.drop(l, fmt.Errorf("%w for %v", errNoAnswer, now.Since(l.opened).Round(time.Millisecond)), now)
	p.openBest(l.aim, now)
}

// openRelief asks another upstream when the feeding one is silent.
func (p *puller) openRelief(now clock.Instant) {
	since, patience := p.active.quiet()
	if due := max(since.Add(patience), p.relief); now < due {
		p.lookAt(due)
		return
	}
	p.relief = now.Add(reliefPause)
	p.openBest(aimRelief, now)
}

// reliefPause is between two looks at other upstreams that had nothing either.
const reliefPause = 10 * time.Second

// openBest opens a lane to the origin that is to be tried first, if any may be tried.
func (p *puller) openBest(a aim, now clock.Instant) {
	var best *origin
	for _, q := range p.origins {
		switch {
		case p.laneOf(q) != nil:
		case now < p.due(q):
			p.lookAt(p.due(q))
		case best == nil || q.before(best, now):
			best = q
		}
	}
	if best != nil {
		p.open(best, a, now)
	}
}

func (p *puller) laneOf(q *origin) *lane {
	for _, l := range p.lanes {
		if l.origin == q {
			return l
		}
	}
	return nil
}

// open begins a lane. What there is to wait for is another matter then, so reconcile looks again.
func (p *puller) open(q *origin, a aim, now clock.Instant) {
	p.lookAt(now)
	ctx, cancel := context.WithCancel(p.ctx)
	l := &lane{origin: q, cancel: cancel, aim: a, opened: now}
	p.lanes = append(p.lanes, l)
	d := p.newDelivery(ctx, l)
	p.work.Go(func() { p.deliver(d, d.run) })
}

// deliver is the goroutine of a delivery.
func (p *puller) deliver(d *delivery, run func() error) {
	defer d.lane.cancel()
	_ = p.post(d.ctx, report{lane: d.lane, over: true, err: run()}) // unheard if it was closed meanwhile
}
