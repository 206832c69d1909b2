package admin

import (
	"slices"
	"time"

	"pumpd/server/stream"
)

// A tenure is the time for which somebody has fed a stream, as looks once a second have seen it.
type tenure struct {
	Kind, From string // as a sourceReport has them
	Since      time.Time
	Until      time.Time // zero: it goes on
	Why        string    // it is over; "" nobody said
}

// maxTenures is how many are kept of each stream.
const maxTenures = 20

// lost is how a source was lost since the look before, nil if none was. Its time is over then, which may be so short
// that no look has seen it.
func (p *past) lost(loss *stream.Loss, at time.Time) *stream.Loss {
	if loss == p.loss {
		return nil
	}
	p.loss = loss
	p.feed(feed{fed: true, kind: loss.Kind, from: loss.Who}, at)
	last := &p.tenures[len(p.tenures)-1]
	last.Until, last.Why = at, loss.Text
	if loss.Kind != stream.Slate {
		p.from = loss.Who
	}
	return loss
}

// feed takes note of who feeds the stream now.
func (p *past) feed(f feed, at time.Time) {
	if n := len(p.tenures); n > 0 && p.tenures[n-1].Until.IsZero() {
		last := &p.tenures[n-1]
		if f.fed && last.Kind == f.word() && last.From == f.from {
			return
		}
		last.Until = at
	}
	if !f.fed {
		return
	}
	if len(p.tenures) >= maxTenures {
		p.tenures = slices.Delete(p.tenures, 0, 1)
	}
	p.tenures = append(p.tenures, tenure{Kind: f.word(), From: f.from, Since: at})
}

// tenures are those of a stream, the newest first.
func (h *history) tenures(st *stream.Stream) []tenure {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.pastOf(st).tenures)
	slices.Reverse(list)
	return list
}
