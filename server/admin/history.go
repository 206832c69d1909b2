package admin

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A history is what the page draws and tells of the past: it is in memory and begins with the admin. Any goroutine.
type history struct {
	mu     sync.Mutex
	pump   trend
	of     map[*stream.Stream]*past
	events []event // the newest last, maxEvents at the most
}

// A past is that of one stream.
type past struct {
	trend
	seen      bool // there was a look before
	condition condition
	from      string // who fed it last, of its own sources
}

// An event is something that an operator may want to know of.
type event struct {
	At     time.Time
	Stream string // path; "" it is about the pump
	Text   string
}

const maxEvents = 50

// A point is one of a curve. It is small, for there are hundreds of each stream.
type point struct{ viewers, in, out uint32 } // kbit/s

// A trend is the last hour and the last day.
type trend struct{ hour, day curve }

// A curve is points at even distances, a ring.
type curve struct {
	points []point
	added  int
	next   clock.Instant // when the next one is due
}

const (
	hourPoints = 180
	dayPoints  = 144
)

// add takes a point if one is due. span is the time of a whole curve of n.
func (c *curve) add(now clock.Instant, p point, span time.Duration, n int) {
	if now < c.next {
		return
	}
	if c.points == nil {
		c.points = make([]point, n)
	}
	c.points[c.added%n] = p
	c.added++
	c.next = max(c.next, now).Add(span / time.Duration(n))
}

func (t *trend) add(now clock.Instant, p point) {
	t.hour.add(now, p, time.Hour, hourPoints)
	t.day.add(now, p, day, dayPoints)
}

// inOrder are the points, the oldest first.
func (c *curve) inOrder() []point {
	n := len(c.points)
	if c.added <= n {
		return append([]point(nil), c.points[:c.added]...)
	}
	at := c.added % n
	return append(append([]point(nil), c.points[at:]...), c.points[:at]...)
}

func newHistory() *history { return &history{of: map[*stream.Stream]*past{}} }

// look takes what there is now. It is called once a second, from one goroutine.
func (h *history) look(streams []*stream.Stream, rates *rates, now clock.Instant, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var sum point
	for _, st := range streams {
		p := h.pastOf(st)
		flow := rates.flowOf(st)
		one := point{uint32(st.Stats().Viewers.Load()), kilo(flow.in.rate.Load()), kilo(flow.out.rate.Load())}
		sum.viewers, sum.in, sum.out = sum.viewers+one.viewers, sum.in+one.in, sum.out+one.out
		p.add(now, one)
		h.compare(st, p, at)
	}
	h.pump.add(now, sum)
	if len(h.of) > len(streams) {
		h.forget(streams)
	}
}

func (h *history) pastOf(st *stream.Stream) *past {
	if h.of[st] == nil {
		h.of[st] = &past{}
	}
	return h.of[st]
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
	if f.condition != p.condition || !p.seen && f.condition != conditionIdle {
		text := f.condition.String()
		switch {
		case f.condition == conditionLive:
			text += ", " + f.word() + " from " + f.from
		case p.from != "":
			text += ", was fed from " + p.from
		}
		h.note(event{at, st.Config().Path, text})
	}
	p.seen, p.condition = true, f.condition
	if f.own() {
		p.from = f.from
	}
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

func kilo(bits int64) uint32 { return uint32(min(bits/1000, 1<<32-1)) }

// A graph is a curve as the page draws it.
type graph struct {
	Title, Span string
	Most        string // at its top
	Line        string // an SVG path, over graphWidth and graphHeight
}

const (
	graphWidth  = 300
	graphHeight = 60
)

// graphs draws those of a stream, or with nil of the pump.
func (h *history) graphs(st *stream.Stream) (list []graph) {
	h.mu.Lock()
	t := &h.pump
	if st != nil {
		t = &h.pastOf(st).trend
	}
	hour, whole := t.hour.inOrder(), t.day.inOrder()
	h.mu.Unlock()
	viewers := func(p point) uint32 { return p.viewers }
	in := func(p point) uint32 { return p.in }
	out := func(p point) uint32 { return p.out }
	rate := func(n uint32) string { return scaled(float64(n)*1000, "bit/s") }
	people := func(n uint32) string { return count(n) }
	for _, s := range []struct {
		name   string
		points []point
		of     int
	}{{"1 h", hour, hourPoints}, {"1 d", whole, dayPoints}} {
		list = append(list, draw("viewers", s.name, s.points, s.of, viewers, people),
			draw("in", s.name, s.points, s.of, in, rate), draw("out", s.name, s.points, s.of, out, rate))
	}
	return list
}

// draw makes a graph whose right edge is now; it has room for so many points.
func draw(title, span string, points []point, room int, of func(point) uint32, say func(uint32) string) graph {
	most := uint32(0)
	for _, p := range points {
		most = max(most, of(p))
	}
	var line strings.Builder
	for i, p := range points {
		x := float64(graphWidth) * float64(room-len(points)+i+1) / float64(room)
		y := float64(graphHeight)
		if most > 0 {
			y -= (graphHeight - 2) * float64(of(p)) / float64(most)
		}
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", command, x, y)
	}
	return graph{Title: title, Span: span, Most: say(most), Line: line.String()}
}
