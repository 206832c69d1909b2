package server

import (
	"slices"
	"time"
)

// show publishes what has become of the upstreams.
func (p *puller) show() {
	p.views = p.views[:0]
	for _, q := range p.origins {
		p.views = append(p.views, p.view(q))
	}
	if !slices.Equal(p.st.Upstreams(), p.views) {
		p.st.ShowUpstreams(slices.Clone(p.views))
	}
}

func (p *puller) view(q *origin) upstreamView {
	v := upstreamView{name: q.name, failures: q.outage.tries, last: q.outage.last}
	switch l := p.laneOf(q); {
	case l != nil && l == p.active:
		v.state = upstreamFeeding
	case l != nil && l.header != nil:
		v.state = upstreamStandby
	case l != nil:
		v.state = upstreamConnecting
	case q.good > 0:
		v.state, v.again = upstreamReturning, q.good.Add(time.Duration(p.st.cfg.Failback))
	case q.outage.tries > 0:
		v.state = upstreamFailed
		switch {
		case p.active == nil || p.pair:
			v.again = p.due(q)
		case q.rank < p.active.origin.rank:
			v.again = q.probed
		}
	}
	return v
}
