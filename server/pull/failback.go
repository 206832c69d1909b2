package pull

import (
	"time"

	"pumpd/server/clock"
	"pumpd/server/upstream"
)

// openReturn looks after the upstreams that go before the one that feeds. Each is asked for its header now and then;
// one that has given it for failback gets a lane, and the stream when that has what it takes.
func (p *puller) openReturn(now clock.Instant) {
	failback := time.Duration(p.st.Config().Failback)
	if failback == 0 || len(p.lanes) > 1 {
		return
	}
	for _, q := range p.origins[:p.active.origin.rank] {
		switch {
		case q.good > 0 && now >= q.good.Add(failback):
			q.good = 0
			p.Log.Info("a preferred upstream is good again", "from", q.name, "for", failback)
			p.open(q, aimReturn, now)
			return
		case q.probing:
		case now < q.probed:
			p.lookAt(q.probed)
		default:
			p.probe(q, now)
		}
		if q.good > 0 {
			p.lookAt(q.good.Add(failback))
		}
	}
}

const longestProbe = 15 * time.Second // between two probes

// probe asks an origin for its header; what it finds is a report.
func (p *puller) probe(q *origin, now clock.Instant) {
	q.probing = true
	q.probed = now.Add(min(time.Duration(p.st.Config().Failback)/4, longestProbe))
	p.work.Go(func() { _ = p.post(p.ctx, report{probed: q, err: p.ask(q)}) }) // unheard only at the end
}

// ask gets the header of an origin, from the first of its servers that has it.
func (p *puller) ask(q *origin) error {
	enough := func(_ *upstream.Visit, a *upstream.Answer, _ *upstream.Description) (bool, error) {
		a.Close()
		return true, nil
	}
	return p.Search(p.ctx, q.at, enough, nil)
}

// judge takes in what a probe has found.
func (p *puller) judge(q *origin, err error, now clock.Instant) {
	q.probing = false
	switch {
	case err != nil:
		q.good = 0
		q.outage.Log(p.Log, q.name, err, false, now)
	case q.good == 0:
		p.Log.Debug("preferred upstream answers again", "from", q.name)
		q.good = now
	}
}
