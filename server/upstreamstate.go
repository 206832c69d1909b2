package server

import (
	"slices"
	"time"
)

// show publishes what has become of the upstreams.
func (p *puller) show() {
	p.views = p.views[:0]
	for _, q := range p.places {
		p.views = append(p.views, p.view(q))
	}
	if !slices.Equal(p.st.Upstreams(), p.views) {
		p.st.ShowUpstreams(slices.Clone(p.views))
	}
}

func (p *puller) view(q *place) upstreamView {
	v := upstreamView{name: q.name, failures: q.trouble.tries, last: q.trouble.last}
	switch l := p.laneOf(q); {
	case l != nil && l == p.on:
		v.state = upstreamFeeding
	case l != nil && l.header != nil:
		v.state = upstreamStandby
	case l != nil:
		v.state = upstreamConnecting
	case q.good > 0:
		v.state, v.again = upstreamReturning, q.good.add(time.Duration(p.st.cfg.Failback))
	case q.trouble.tries > 0:
		v.state = upstreamFailed
		switch {
		case p.on == nil || p.pair:
			v.again = p.due(q)
		case q.rank < p.on.place.rank:
			v.again = q.probed
		}
	}
	return v
}
