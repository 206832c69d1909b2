package pull

import (
	"errors"
	"fmt"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// reconcile does what is due: it is called after all that happens, and at the moments that it has asked for by lookAt.
func (p *puller) reconcile(now clock.Instant) {
	if !p.demanded(now) {
		p.suspend()
		return
	}
	if p.active == nil && p.handover == nil {
		if l := p.ready(); l != nil && !l.mute {
			p.begin(l, now)
		}
	}
	if p.active != nil {
		if p.source.Outwait(now) {
			p.lookAt(now.Add(stream.OutwaitCheck))
		}
		p.compare(now)
		p.tidy(now)
	}
	if p.active != nil {
		p.yieldToSlate(now)
	}
	p.openNeeded(now)
}

// compare lets a lane that stands by take over where that is better.
func (p *puller) compare(now clock.Instant) {
	switch l := p.ready(); {
	case l == nil:
	case l.aim == aimPair:
		p.comparePair(l, now)
	case l.aim == aimReturn:
		p.compareReturn(l, now)
	default:
		p.compareRelief(l, now)
	}
}

// comparePair turns to the other one of a pair when the feeding one is behind it by pair_switch. Silence would not do
// as the measure: where the encoder pauses both are silent.
func (p *puller) comparePair(l *lane, now clock.Instant) {
	since, ok := p.fresh(l)
	if !ok {
		return
	}
	if due := since.Add(time.Duration(p.st.Config().PairSwitch)); now < due {
		p.lookAt(due)
		return
	}
	if u := p.lineUp(l); u.ready {
		old := p.active
		silence := now.Since(old.Latest)
		p.switchTo(l, u, "the other one is behind")
		old.First = now // what it has done before is no merit any more
		old.origin.outage.Log(p.Log, old.origin.name, stalledFor(silence), false, now)
	}
}

// compareRelief turns to another upstream that has packets when the feeding one is silent.
func (p *puller) compareRelief(l *lane, now clock.Instant) {
	since, patience := p.active.quiet()
	if now.Since(since) < patience {
		return
	}
	if _, ok := p.fresh(l); !ok {
		return
	}
	if u := p.lineUp(l); u.ready {
		old := p.active
		p.switchTo(l, u, "the other one is silent")
		p.drop(old, stalledFor(now.Since(since)), now)
	}
}

func stalledFor(d time.Duration) error {
	return fmt.Errorf("%w for %v", upstream.ErrStalled, d.Round(time.Millisecond))
}

var errNoPicture = errors.New("no key frame to go on with")

// compareReturn goes back to a preferred upstream where that costs nothing; after a while also where the rest of a
// group of pictures is lost, if packets really come.
func (p *puller) compareReturn(l *lane, now clock.Instant) {
	u := p.lineUp(l)
	due := l.opened.Add(stream.KeyPatience)
	switch {
	case u.ready && (!u.behind || l.pastBurst()), now >= due && l.pastBurst():
		old := p.active
		p.switchTo(l, u, "it is preferred, and good again")
		p.close(old)
	case now >= due:
		p.drop(l, errNoPicture, now)
	default:
		p.lookAt(due)
	}
}

// switchTo makes a lane that stood by feed the stream in place of the one that does.
func (p *puller) switchTo(l *lane, u lineup, why string) {
	p.Log.Info("turning to another upstream", "from", p.active.origin.name, "to", l.origin.name, "why", why,
		"exact", u.tie == stream.TieExact || u.behind)
	p.st.Stats().Switches.Add(1)
	p.source = p.source.Succeed(l.origin.name)
	p.active = l
	p.feed(u)
}

// tidy closes the lanes that have become needless.
func (p *puller) tidy(now clock.Instant) {
	l := p.other()
	if l == nil || p.active.Packets == 0 {
		return
	}
	since, patience := p.active.quiet()
	if now.Since(since) >= patience {
		return
	}
	if l.aim == aimFeed || l.aim == aimRelief && p.active.Latest > l.opened {
		p.close(l)
	}
}

// yieldToSlate gives the stream to its slate when the upstream is silent, though connected.
func (p *puller) yieldToSlate(now clock.Instant) {
	if p.st.Config().Slate == "" {
		return
	}
	since, patience := p.active.quiet()
	if due := since.Add(max(patience, time.Duration(p.st.Config().SlateAfter))); now < due {
		p.lookAt(due)
		return
	}
	p.active.mute = true
	p.Log.Warn("upstream is silent", "from", p.active.origin.name, "for", now.Since(since).Round(time.Millisecond))
	p.release(func() { p.source.Pause(since) })
}
