package admin

import (
	"sync"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A history is what the page draws and tells of the past: it is in memory and begins with the admin. A stream takes 7
// KB, and 1.3 KB more for each reason that its viewers have ended for. Any goroutine.
type history struct {
	mu     sync.Mutex
	pump   trend
	of     map[*stream.Stream]*past
	events []event // the newest last, maxEvents at the most
}

// A past is that of one stream.
type past struct {
	trend
	counts    counts // at the look before
	seen      bool   // there was one
	condition condition
	from      string       // who fed it last, of its own sources
	tenures   []tenure     // the newest last, maxTenures at the most
	loss      *stream.Loss // the last one
}

// An event is something that an operator may want to know of.
type event struct {
	At     time.Time
	Stream string // path; "" it is about the pump
	Text   string
}

const maxEvents = 50

// newHistory is that of a pump with these streams, whose counters may have gone on for a while.
func newHistory(streams []*stream.Stream) *history {
	h := &history{of: map[*stream.Stream]*past{}, pump: newTrend()}
	for _, st := range streams {
		p := h.pastOf(st)
		p.counts, p.loss = countsOf(st), st.Loss()
	}
	return h
}

// look takes what there is now. It is called once a second, from one goroutine.
func (h *history) look(streams []*stream.Stream, uplink uplink, now clock.Instant, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var sum sample
	for _, st := range streams {
		p := h.pastOf(st)
		one := p.take(st)
		p.add(now, one)
		sum.plus(one)
		h.compare(st, p, at)
	}
	sum[seriesTaken], sum[seriesUsable] = float32(uplink.taken), float32(uplink.usable)
	h.pump.add(now, &sum)
	if len(h.of) > len(streams) {
		h.forget(streams)
	}
}

// An uplink is what there is of it, bit/s.
type uplink struct{ taken, usable int64 }

func (h *history) pastOf(st *stream.Stream) *past {
	if h.of[st] == nil {
		h.of[st] = &past{trend: newTrend()}
	}
	return h.of[st]
}

// take makes a sample of a stream.
func (p *past) take(st *stream.Stream) *sample {
	now := countsOf(st)
	s := now.since(&p.counts)
	s[seriesViewers] = float32(st.Stats().Viewers.Load())
	p.counts = now
	return s
}

// forget drops streams that are no more.
func (h *history) forget(streams []*stream.Stream) {
	of := make(map[*stream.Stream]*past, len(streams))
	for _, st := range streams {
		of[st] = h.of[st]
	}
	h.of = of
}

// compare makes an event where a stream's condition has changed. An idle stream is no news at the start.
func (h *history) compare(st *stream.Stream, p *past, at time.Time) {
	f := feedOf(st)
	lost := p.lost(st.Loss(), at)
	if f.condition != p.condition || !p.seen && f.condition != conditionIdle {
		h.note(event{at, st.Config().Path, become(st, f, p.from, lost)})
	}
	p.seen, p.condition = true, f.condition
	p.feed(f, at)
	if f.own() {
		p.from = f.from
	}
}

// become says what a stream's condition has become. from fed it before, "" if nobody did; lost is how it was lost, nil
// if it was not.
func become(st *stream.Stream, f feed, from string, lost *stream.Loss) string {
	text := f.condition.String()
	switch {
	case f.condition == conditionLive:
		return text + ", " + f.word() + " from " + f.from
	case f.condition == conditionFailed:
		return text + ", " + faultOf(st)
	case lost != nil:
		return text + ", " + lost.Kind.String() + " from " + lost.Who + " was lost: " + lost.Text
	case from != "":
		return text + ", was fed from " + from
	}
	return text
}

// faultOf is why a stream's file does not play, or its first upstream that has failed.
func faultOf(st *stream.Stream) string {
	for _, u := range st.Upstreams() {
		if u.Last.Text != "" {
			return u.Last.Text + ", " + u.Name
		}
	}
	return st.Fault().Text
}

// note is for whoever holds mu.
func (h *history) note(e event) {
	if len(h.events) >= maxEvents {
		h.events = append(h.events[:0], h.events[1:]...)
	}
	h.events = append(h.events, e)
}

// tell notes an event.
func (h *history) tell(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(e)
}

// lastFrom is who fed a stream last, "" if nobody was seen to.
func (h *history) lastFrom(st *stream.Stream) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.of[st]; p != nil {
		return p.from
	}
	return ""
}

// recent are the events of a stream, or with "" all of them, the newest first.
func (h *history) recent(path string) (list []event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.events) - 1; i >= 0; i-- {
		if e := h.events[i]; path == "" || e.Stream == path {
			list = append(list, e)
		}
	}
	return list
}
