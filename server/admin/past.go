package admin

import (
	"fmt"
	"slices"
	"time"

	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/tally"
)

// A Past is what the page draws and tells of the past, and who has guessed passwords, for the process that goes on with
// it. It is for encoding/gob.
type Past struct {
	Pump     TrendPast                // of all streams
	Streams  tally.ByName[StreamPast] // by path
	Events   []event
	Guessers []auth.Guesser
}

// A StreamPast is that of one stream.
type StreamPast struct {
	Trend     TrendPast
	Condition condition
	From      string
	Tenures   []tenure
}

// A TrendPast is the curves of the last hour and the last day.
type TrendPast struct{ Hour, Day CurvePast }

// A CurvePast is a curve. Its series go by name: another program may count other reasons.
type CurvePast struct {
	Rings         tally.ByName[[]float32]
	Points        int
	Began, Looked clock.Instant
	Covered       time.Duration
}

// name is what a series is called in a CurvePast.
func (s series) name() string {
	if s >= seriesEnded {
		return "ended " + reason.Reason(s-seriesEnded).String()
	}
	return [...]string{"viewers", "in", "out", "taken", "usable", "joined"}[s]
}

// Past is what there is to tell now. Any goroutine.
func (a *Admin) Past() *Past {
	h := a.rates.history
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &Past{Pump: h.pump.past(), Events: slices.Clone(h.events),
		Guessers: a.desk.record.Guessers(a.s.Clock.Now())}
	for st, of := range h.of {
		if of.seen {
			p.Streams.Add(st.Config().Path,
				StreamPast{of.trend.past(), of.condition, of.from, slices.Clone(of.tenures)})
		}
	}
	return p
}

func (t *trend) past() TrendPast { return TrendPast{t.hour.past(), t.day.past()} }

func (c *curve) past() CurvePast {
	p := CurvePast{Points: c.points, Began: c.began, Looked: c.looked, Covered: c.covered}
	for i, ring := range c.rings {
		if ring != nil {
			p.Rings.Add(series(i).name(), slices.Clone(ring))
		}
	}
	return p
}

// Parts are p in pieces of so many streams at the most, the first one with all else.
func (p *Past) Parts(most int) (parts []*Past) {
	part := &Past{Pump: p.Pump, Events: p.Events, Guessers: p.Guessers}
	for streams := range slices.Chunk(p.Streams, most) {
		part.Streams = streams
		parts, part = append(parts, part), &Past{}
	}
	if len(parts) == 0 {
		parts = append(parts, part)
	}
	return parts
}

// resume goes on with what another process has left. What does not fit is left out: it is for people to look at.
func (h *history) resume(parts []*Past, streams []*stream.Stream) error {
	byPath := map[string]*stream.Stream{}
	for _, st := range streams {
		byPath[st.Config().Path] = st
	}
	for i, p := range parts {
		if i == 0 {
			h.events = p.Events[max(0, len(p.Events)-maxEvents):]
			if err := h.pump.resume(&p.Pump); err != nil {
				return err
			}
		}
		for i := range p.Streams {
			st := byPath[p.Streams[i].Name]
			if st == nil {
				continue
			}
			to, of := h.pastOf(st), &p.Streams[i].Value
			if err := to.trend.resume(&of.Trend); err != nil {
				return err
			}
			to.seen, to.condition, to.from = true, of.Condition, of.From
			to.tenures = of.Tenures[max(0, len(of.Tenures)-maxTenures):]
		}
	}
	return nil
}

func (t *trend) resume(p *TrendPast) error {
	if err := t.hour.resume(&p.Hour); err != nil {
		return err
	}
	return t.day.resume(&p.Day)
}

func (c *curve) resume(p *CurvePast) error {
	if p.Points < 0 || p.Covered < 0 {
		return fmt.Errorf("curve: %d points, %v covered", p.Points, p.Covered)
	}
	for i := range c.rings {
		ring := p.Rings.Of(series(i).name())
		if ring == nil {
			continue
		}
		if len(ring) != c.room {
			return fmt.Errorf("curve: %d points, want %d", len(ring), c.room)
		}
		c.rings[i] = ring
	}
	c.points, c.began, c.looked, c.covered = p.Points, p.Began, p.Looked, p.Covered
	return nil
}
