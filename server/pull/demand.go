package pull

import (
	"time"

	"pumpd/server/clock"
)

// demanded says whether the upstreams are to be read now: always, or on demand while somebody watches or waits, and
// until nobody has for idle_close.
func (p *puller) demanded(now clock.Instant) bool {
	if !p.st.Config().OnDemand {
		return true
	}
	switch {
	case p.st.Watched() > 0:
		if !p.awake {
			p.wakeUp(now)
		}
		p.awake, p.watched = true, now
	case p.awake && now.Since(p.watched) >= time.Duration(p.st.Config().IdleClose):
		p.awake = false
	}
	if p.awake {
		p.lookAt(now.Add(demandCheck)) // that the last viewer leaves makes no sign
	}
	return p.awake
}

const demandCheck = time.Second

// wakeUp lets all upstreams be tried at once: somebody waits.
func (p *puller) wakeUp(now clock.Instant) {
	for _, q := range p.origins {
		q.retry, q.urgent = min(q.retry, now), min(q.urgent, now)
	}
}

// suspend lets go of the upstreams, and of the stream.
func (p *puller) suspend() {
	for len(p.lanes) > 0 {
		p.close(p.lanes[0])
	}
	if p.source != nil {
		p.Log.Info("nobody watches, letting the upstream go", "from", p.active.origin.name)
		p.release(p.source.End)
	}
}
