package fanout

import (
	"sync/atomic"
	"time"
)

// A Count is how many viewers there are of some kind.
type Count struct {
	Viewers int64
	Behind  int64 // of them, lack what others have been sent already
	Blocked int64 // of them, have a socket that takes nothing at present
}

// A slowness is how an audience's slow viewers are.
type slowness struct {
	behind, blocked int64
	lag             time.Duration // of all who are behind together
}

// A sharedCount is one that any goroutine may read.
type sharedCount struct{ viewers, behind, blocked atomic.Int64 }

// takeCensus counts all viewers, and how far each is behind. It is a chore: rounds know nothing of it.
func (h *Hub) takeCensus() {
	h.counted = [len(dialects)][2]Count{}
	inStep := uint64(0)
	for _, a := range h.audiences {
		var of slowness
		for _, v := range a.viewers {
			n := &h.counted[v.dialect.number][0]
			if v.tls != nil {
				n = &h.counted[v.dialect.number][1]
			}
			n.Viewers++
			if v.state == blocked {
				n.Blocked++
				of.blocked++
			}
			if v.at == a.at || v.lag() <= 0 {
				inStep++
				continue
			}
			lag := v.lag()
			n.Behind++
			of.behind++
			of.lag += lag
			h.stats.Lag.Observe(lag.Seconds(), 1)
		}
		a.tellCount(of)
	}
	h.stats.Lag.Observe(0, inStep)
	for d := range h.counted {
		for t, n := range h.counted[d] {
			s := &h.census[d][t]
			s.viewers.Store(n.Viewers)
			s.behind.Store(n.Behind)
			s.blocked.Store(n.Blocked)
		}
	}
}

// tellCount has the stream know of its slow viewers here.
func (a *audience) tellCount(n slowness) {
	a.stream.Stats().Behind.Add(n.behind - a.slow.behind)
	a.stream.Stats().Blocked.Add(n.blocked - a.slow.blocked)
	a.stream.Stats().Lag.Add(int64(n.lag - a.slow.lag))
	a.slow = n
}

// Census shows what was counted within the last second: each dialect, without and with TLS. Any goroutine.
func (h *Hub) Census(show func(dialect string, tls bool, n Count)) {
	for d := range h.census {
		for t := range h.census[d] {
			s := &h.census[d][t]
			show(dialects[d].Name, t == 1, Count{s.viewers.Load(), s.behind.Load(), s.blocked.Load()})
		}
	}
}
