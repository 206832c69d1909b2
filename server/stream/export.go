package stream

import (
	"iter"

	"pumpd/server/clock"
	"pumpd/server/reason"
)

// An Exporter describes one stream to the process that takes it up. Nobody writes, joins or claims meanwhile. First all
// who stand in the chain are told to it by Hold and Generation, then come Snapshot and Batches.
type Exporter struct {
	st     *Stream
	writer *Source
	heir   bool
	from   *Element // the oldest that goes along; nil: there is none
	gens   []*Generation
	places map[*Generation]int
}

// Export begins it: as much of the chain goes along as newcomers need. The writer looks no farther back.
func (st *Stream) Export() *Exporter {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	x := &Exporter{st: st, writer: st.writer, heir: st.heir != nil, from: st.chain.last, places: map[*Generation]int{}}
	if points := st.chain.points; len(points) > 0 {
		x.Hold(points[0].before)
	}
	return x
}

// Contested says that somebody waits for the stream's writer to let go, which does not go along: the stream is better
// exported when that is done.
func (x *Exporter) Contested() bool { return x.heir }

// WrittenBy says whether somebody of a kind has the stream's claim.
func (x *Exporter) WrittenBy(k Kind) bool { return x.writer != nil && x.writer.claim.Kind == k }

// Hold says that somebody stands at e: it and all after it go along. None may be nil.
func (x *Exporter) Hold(e *Element) {
	if e != nil && x.from.After(e) {
		x.from = e
	}
}

// Generation is the place that g will have in Snapshot.Generations; -1 for nil.
func (x *Exporter) Generation(g *Generation) int {
	if g == nil {
		return -1
	}
	i, known := x.places[g]
	if !known {
		i = len(x.gens)
		x.gens = append(x.gens, g)
		x.places[g] = i
	}
	return i
}

// Snapshot is the stream but for its elements. It shares memory with the stream.
func (x *Exporter) Snapshot() Snapshot {
	st := x.st
	s := Snapshot{
		Path:   st.Config().Path,
		Chain:  x.chain(),
		State:  st.state.Load(),
		Vain:   st.vain.Load(),
		Vacant: st.vacant, Patience: st.patience,
		Absent: st.absent.snapshot(), Until: st.until,
		Stats: st.stats.snapshot(),
		Loss:  st.Loss(), Fault: st.Fault(),
	}
	if via := st.via.Load(); via != nil {
		s.Via = *via
	}
	for _, p := range st.chain.points {
		s.Points = append(s.Points, p.before.order)
	}
	if x.writer != nil {
		s.Writer = x.writer.snapshot()
	}
	for _, g := range x.gens {
		s.Generations = append(s.Generations, g.header.Raw)
	}
	return s
}

func (x *Exporter) chain() ChainSnapshot {
	c := &x.st.chain
	s := ChainSnapshot{
		SendTime: c.sendTime, Shown: c.shown, Shift: c.shift, Latest: c.latest, Every: c.every, Full: c.full,
	}
	if x.from != nil {
		s.Order, s.Index, s.Bytes = x.from.order, x.from.index, x.from.bytes
	}
	for e := x.from; e != nil; e = e.Next() {
		x.Generation(e.gen)
		s.Elements++
	}
	s.Generation = x.Generation(c.gen)
	return s
}

// Batches gives the elements, oldest first, with at most so many bytes of memory in a batch, or one element. They share
// their bytes with the chain.
func (x *Exporter) Batches(most int) iter.Seq[[]ElementSnapshot] {
	return func(yield func([]ElementSnapshot) bool) {
		var batch []ElementSnapshot
		size := 0
		for e := x.from; e != nil; e = e.Next() {
			s := e.snapshot(x)
			more := elementSize + len(s.Full) + len(s.Short)
			if len(batch) > 0 && size+more > most {
				if !yield(batch) {
					return
				}
				batch, size = nil, 0
			}
			batch = append(batch, s)
			size += more
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// elementSize is what an element takes beside its packet, bytes: more than gob makes of it.
const elementSize = 64

func (e *Element) snapshot(x *Exporter) ElementSnapshot {
	s := ElementSnapshot{Order: e.order, Kind: uint8(e.kind), By: uint8(e.by), Sent: e.sent, At: e.at, Full: e.full,
		Generation: x.Generation(e.gen)}
	if len(e.short) != len(e.full) { // else they are the same bytes
		s.Short = e.short
	}
	return s
}

func (p pusher) snapshot() PusherSnapshot { return PusherSnapshot{From: p.from, PushID: p.id} }

func (s *Source) snapshot() *WriterSnapshot {
	w := &WriterSnapshot{
		Kind: uint8(s.claim.Kind), Who: s.claim.Who, Pusher: s.pusher().snapshot(), Pump: s.claim.Pump,
		Since: s.since, Before: s.before,
		State: uint8(s.state), Waiting: s.waiting, Anew: s.anew, Wrote: s.wrote, Steady: s.steady,
		Bad: s.bad, Tie: uint8(s.tie), Ended: s.ended,
		Changes: s.changes.paid, Padding: s.padding.paid,
	}
	if s.published != nil {
		w.Published = s.published.Raw
	}
	if d := s.doubt; d.b != nil {
		w.Doubt = DoubtSnapshot{Packet: d.b, At: d.at, Against: d.against}
	}
	if s.seen != nil {
		w.Seen = s.seen.order
	}
	if s.restless != nil {
		w.Restless = s.restless.Error()
	}
	return w
}

func (n *Stats) snapshot() StatsSnapshot {
	s := StatsSnapshot{LastPacket: clock.Instant(n.lastPacket.Load())}
	for name, c := range n.counters() {
		s.Counters.Add(name, c.Load())
	}
	for r := range n.Left {
		s.Left.Add(reason.Reason(r).String(), n.Left[r].Load())
	}
	n.Refused.All(s.Refused.Add)
	if r := n.Reports(); r != nil {
		for name, h := range r.histograms() {
			s.Reports.Add(name, h.Snapshot())
		}
	}
	return s
}

// End is the end of the chain and what generation that is in; false: there is nothing to watch.
func (x *Exporter) End() (e *Element, g *Generation, ok bool) {
	c := &x.st.chain
	return c.last, c.gen, c.last != nil && c.gen != nil
}
