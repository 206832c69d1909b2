package pull

import (
	"slices"
	"time"

	"pumpd/server/view"
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

func (p *puller) view(q *origin) view.Upstream {
	v := view.Upstream{Name: q.name, Failures: q.outage.Tries, Last: q.outage.Last}
	switch l := p.laneOf(q); {
	case l != nil && l == p.active:
		v.State = view.Feeding
	case l != nil && l.header != nil:
		v.State = view.Standby
	case l != nil:
		v.State = view.Connecting
	case q.good > 0:
		v.State, v.Again = view.Returning, q.good.Add(time.Duration(p.st.Config().Failback))
	case q.outage.Tries > 0:
		v.State = view.Failed
		switch {
		case p.active == nil || p.pair:
			v.Again = p.due(q)
		case q.rank < p.active.origin.rank:
			v.Again = q.probed
		}
	}
	return v
}
