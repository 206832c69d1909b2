package stream

import (
	"errors"
	"fmt"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// An Importer makes what an Exporter of another process has described a stream of this one. Nothing that it is given is
// believed. It holds the whole chain: let go of it when all who stand there have been found their places.
type Importer struct {
	st    *Stream
	s     *Snapshot
	gens  []*Generation
	chain chain
	list  []*Element
	bytes uint64        // of packets
	now   clock.Instant // nothing has happened later

	stretch *Generation // that the next packet is of; nil: not known, before the first header and behind an end
	size    int         // of each packet there; 0: not known
}

// Limits on what is taken over. They are far above what a stream's own limits let it grow to.
const (
	mostGenerations = 4096
	mostElements    = 1 << 22
	mostChainBytes  = 4 << 30
	mostText        = 64 << 10 // bytes: a Via, a URL, a push-id
)

// errUsed is for a stream that is another one's by now.
var errUsed = errors.New("there is something in the stream already")

// Import begins to make st, which nobody has used yet, what s describes. Nobody sees anything of it before Finish.
func (st *Stream) Import(s *Snapshot) (*Importer, error) {
	m := &Importer{st: st, s: s, now: st.clock.Now()}
	if err := m.begin(); err != nil {
		return nil, fmt.Errorf("stream %q: %w", st.Config().Path, err)
	}
	return m, nil
}

func (m *Importer) begin() error {
	s := m.s
	switch c := s.Chain; {
	case s.Path != m.st.Config().Path:
		return fmt.Errorf("path: %q", s.Path)
	case len(s.Generations) > mostGenerations:
		return tooMany("generations", len(s.Generations), mostGenerations)
	case c.Elements < 0 || c.Elements > mostElements:
		return tooMany("elements", c.Elements, mostElements)
	case c.Order > 1<<62: // it goes up and must not wrap
		return fmt.Errorf("order of the first element: %d, limit %d", c.Order, uint64(1<<62))
	case len(s.Points) > maxBurstEntries:
		return tooMany("join points", len(s.Points), maxBurstEntries)
	case s.State < int32(Idle) || s.State > int32(Orphaned):
		return fmt.Errorf("state: %d, limit %d", s.State, Orphaned)
	case s.Patience < 0:
		return fmt.Errorf("patience: %v", s.Patience)
	case len(s.Via) > mostText:
		return tooMany("bytes of Via", len(s.Via), mostText)
	}
	if err := s.Absent.check(); err != nil {
		return err
	}
	if err := m.past(s.Chain.Latest, s.Vacant, s.Stats.LastPacket, s.Fault.At); err != nil {
		return err
	}
	if err := s.Loss.check(m); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	for i, raw := range s.Generations {
		h, err := asf.ParseHeader(raw)
		if err != nil {
			return fmt.Errorf("generation %d: %w", i, err)
		}
		m.gens = append(m.gens, newGeneration(h.Published(), m.st.tuning.Load().burst))
	}
	m.chain = chain{
		gen: m.Generation(s.Chain.Generation), tuning: m.st.tuning.Load(),
		sendTime: s.Chain.SendTime, shown: s.Chain.Shown, shift: s.Chain.Shift,
		latest: s.Chain.Latest, every: s.Chain.Every, full: s.Chain.Full,
	}
	if m.chain.gen == nil && s.Chain.Generation != -1 {
		return fmt.Errorf("generation of the chain: %d, there are %d", s.Chain.Generation, len(m.gens))
	}
	return nil
}

func tooMany(what string, n, most int) error { return fmt.Errorf("%s: %d, limit %d", what, n, most) }

func (p PusherSnapshot) check() error {
	if len(p.PushID) > mostText {
		return tooMany("bytes of a push-id", len(p.PushID), mostText)
	}
	return nil
}

// check checks what is shown of how a source was lost; nil: none was.
func (l *Loss) check(m *Importer) error {
	switch {
	case l == nil:
		return nil
	case l.Kind >= Kinds:
		return fmt.Errorf("kind: %d, limit %d", l.Kind, Kinds-1)
	}
	return m.past(l.At)
}

// past refuses moments that are yet to come, for some never do, and those before there was a clock.
func (m *Importer) past(moments ...clock.Instant) error {
	for _, t := range moments {
		if t < 0 || t > m.now {
			return fmt.Errorf("moment: %d, allowed 0 to %d", t, m.now)
		}
	}
	return nil
}

// Generation is the one at a place in Snapshot.Generations, nil where there is none.
func (m *Importer) Generation(i int) *Generation {
	if i < 0 || i >= len(m.gens) {
		return nil
	}
	return m.gens[i]
}

// Element is the one of that order, nil where there is none.
func (m *Importer) Element(order uint64) *Element {
	if i := order - m.s.Chain.Order; order >= m.s.Chain.Order && i < uint64(len(m.list)) {
		return m.list[i]
	}
	return nil
}

// Add adds the next elements. Their bytes are the chain's from now on.
func (m *Importer) Add(batch []ElementSnapshot) error {
	for i := range batch {
		if err := m.add(&batch[i]); err != nil {
			return fmt.Errorf("stream %q: element %d: %w", m.s.Path, m.s.Chain.Order+uint64(len(m.list)), err)
		}
	}
	return nil
}

func (m *Importer) add(s *ElementSnapshot) error {
	switch next := m.s.Chain.Order + uint64(len(m.list)); {
	case s.Order != next:
		return fmt.Errorf("order: %d", s.Order)
	case len(m.list) >= m.s.Chain.Elements:
		return fmt.Errorf("only %d were announced", m.s.Chain.Elements)
	}
	if err := m.past(s.At); err != nil {
		return err
	}
	e := &Element{kind: ElementKind(s.Kind), at: s.At}
	var err error
	switch e.kind {
	case PacketElement:
		err = m.packet(e, s)
	case HeaderElement:
		err = m.header(e, s)
	case EndElement:
		m.stretch = nil
	default:
		err = fmt.Errorf("kind: %d, limit %d", s.Kind, EndElement)
	}
	if err != nil {
		return err
	}
	m.append(e)
	return nil
}

// append numbers e as the chain would, but for the first one, whose numbers are given.
func (m *Importer) append(e *Element) {
	if c := m.s.Chain; len(m.list) == 0 {
		e.order, e.index, e.bytes = c.Order, c.Index, c.Bytes
	} else {
		m.chain.number(e)
	}
	m.chain.link(e)
	m.list = append(m.list, e)
}

func (m *Importer) header(e *Element, s *ElementSnapshot) error {
	if e.gen = m.Generation(s.Generation); e.gen == nil {
		return fmt.Errorf("generation: %d, there are %d", s.Generation, len(m.gens))
	}
	m.stretch = e.gen
	return nil
}

func (m *Importer) packet(e *Element, s *ElementSnapshot) error {
	last := m.chain.last
	switch {
	case last != nil && last.kind == EndElement:
		return errors.New("packet behind an end")
	case s.By >= uint8(Kinds):
		return fmt.Errorf("kind of its source: %d, limit %d", s.By, Kinds-1)
	case m.stretch != nil:
		m.size = m.stretch.header.PacketSize
	case m.size == 0:
		m.size = len(s.Full)
	}
	switch {
	case len(s.Full) == 0 || len(s.Full) != m.size:
		return fmt.Errorf("packet: %d bytes, want %d", len(s.Full), m.size)
	case s.Short != nil && (len(s.Short) == 0 || len(s.Short) >= len(s.Full)):
		return fmt.Errorf("packet without padding: %d bytes, with it %d", len(s.Short), len(s.Full))
	case m.bytes+uint64(len(s.Full)+len(s.Short)) > mostChainBytes:
		return fmt.Errorf("packets: over %d bytes in all", int64(mostChainBytes))
	}
	m.bytes += uint64(len(s.Full) + len(s.Short))
	e.by, e.sent, e.full, e.short = Kind(s.By), s.Sent, s.Full, s.Short
	if e.short == nil {
		e.short = e.full
	}
	return nil
}

// Finish makes the stream what was described, when all elements have been added: joins are published, and the claim is
// its writer's, who goes on by Resume.
func (m *Importer) Finish() error {
	if err := m.finish(); err != nil {
		return fmt.Errorf("stream %q: %w", m.s.Path, err)
	}
	return nil
}

func (m *Importer) finish() error {
	if err := m.checkEnd(); err != nil {
		return err
	}
	if err := m.points(); err != nil {
		return err
	}
	var w *Source
	if m.s.Writer != nil {
		var err error
		if w, err = m.writer(m.s.Writer); err != nil {
			return fmt.Errorf("writer: %w", err)
		}
	}
	return m.takeUp(w)
}

// checkEnd checks that the chain is whole, and of the generation that it is said to end in.
func (m *Importer) checkEnd() error {
	c, last := &m.chain, m.chain.last
	switch {
	case len(m.list) != m.s.Chain.Elements:
		return fmt.Errorf("elements: %d, announced %d", len(m.list), m.s.Chain.Elements)
	case c.gen == nil && last != nil && last.kind != EndElement:
		return errors.New("chain: of no generation, and does not end")
	case c.gen != nil && (last == nil || last.kind == EndElement):
		return fmt.Errorf("chain: of generation %d, and ends", m.s.Chain.Generation)
	case c.gen != nil && m.stretch != nil && m.stretch != c.gen:
		return fmt.Errorf("chain: of generation %d, and ends in another", m.s.Chain.Generation)
	case c.gen != nil && m.size != 0 && m.stretch == nil && m.size != c.gen.header.PacketSize:
		return fmt.Errorf("packet: %d bytes, want %d", m.size, c.gen.header.PacketSize)
	}
	return nil
}

// points makes the join points anew, and what stands for their packets.
func (m *Importer) points() error {
	if len(m.s.Points) > 0 && m.chain.gen == nil {
		return fmt.Errorf("join points: %d, and nothing to join", len(m.s.Points))
	}
	for i, order := range m.s.Points {
		if i > 0 && order <= m.s.Points[i-1] {
			return fmt.Errorf("join point: behind %d, and before is %d", order, m.s.Points[i-1])
		}
		j, err := m.point(order)
		if err != nil {
			return fmt.Errorf("join point behind %d: %w", order, err)
		}
		m.chain.points.add(j)
	}
	if n := len(m.chain.points); n > 0 {
		for e := m.chain.points[0].before.Next(); e != nil; e = e.Next() {
			if e.kind != PacketElement {
				return fmt.Errorf("join point behind %d: of another generation", m.s.Points[0])
			}
		}
	}
	return nil
}

func (m *Importer) point(order uint64) (*joinable, error) {
	before := m.Element(order)
	if before == nil {
		return nil, fmt.Errorf("elements are %d from %d on", len(m.list), m.s.Chain.Order)
	}
	e := before.Next()
	if e == nil || e.kind != PacketElement {
		return nil, errors.New("no packet there")
	}
	c := &m.chain
	p, err := c.gen.header.ParsePacket(e.full)
	if err != nil {
		return nil, err
	}
	o := packing{c.gen.header, c.tuning.short}.opening(e.full, p, c.gen)
	return newJoinable(before, e, o), nil
}

// writer makes the source anew.
func (m *Importer) writer(w *WriterSnapshot) (*Source, error) {
	if err := m.checkWriter(w); err != nil {
		return nil, err
	}
	s := &Source{
		stream: m.st, since: w.Since, before: w.Before,
		claim: Claim{Kind: Kind(w.Kind), Who: w.Who, From: w.Pusher.From, PushID: w.Pusher.PushID, Pump: w.Pump},
		state: sourceState(w.State), waiting: w.Waiting, anew: w.Anew, wrote: w.Wrote, steady: w.Steady,
		bad: w.Bad, tie: Tie(w.Tie), ended: w.Ended,
		changes: allowance{w.Changes}, padding: allowance{w.Padding},
	}
	if w.Restless != "" {
		s.restless = errors.New(w.Restless)
	}
	if w.Seen != 0 {
		if s.seen = m.Element(w.Seen); s.seen == nil {
			return nil, fmt.Errorf("its burst is at element %d, elements are %d from %d on", w.Seen, len(m.list),
				m.s.Chain.Order)
		}
	}
	return s, m.writerHeader(s, w)
}

func (m *Importer) checkWriter(w *WriterSnapshot) error {
	switch {
	case w.Kind >= uint8(Kinds):
		return fmt.Errorf("kind: %d, limit %d", w.Kind, Kinds-1)
	case w.State > uint8(writing):
		return fmt.Errorf("state: %d, limit %d", w.State, writing)
	case w.Tie > uint8(TieOther):
		return fmt.Errorf("tie: %d, limit %d", w.Tie, TieOther)
	case !allowance{w.Changes}.within(changeQuota, m.now) || !allowance{w.Padding}.within(paddingQuota, m.now):
		return fmt.Errorf("allowances: back at %d and %d, it is %d", w.Changes, w.Padding, m.now)
	case w.Bad < 0 || w.Bad > maxBadPackets:
		return fmt.Errorf("bad packets: %d, limit %d", w.Bad, maxBadPackets)
	case max(len(w.Who), len(w.Before), len(w.Restless)) > mostText:
		return tooMany("bytes of a text", max(len(w.Who), len(w.Before), len(w.Restless)), mostText)
	}
	if err := m.past(w.Since, w.Waiting); err != nil {
		return err
	}
	return w.Pusher.check()
}

// writerHeader gives s the header that its packets are parsed by, and the packet that waits for the next one.
func (m *Importer) writerHeader(s *Source, w *WriterSnapshot) error {
	if s.state == headerless {
		if w.Published != nil || w.Doubt.Packet != nil {
			return errors.New("has a header or a packet in a state without")
		}
		return nil
	}
	h, err := asf.ParseHeader(w.Published)
	if err != nil {
		return err
	}
	s.published = h.Published()
	if gen := m.chain.gen; !s.anew && (gen == nil || !gen.header.Same(s.published)) {
		return errors.New("its header is not the one that the chain ends in")
	}
	if d := w.Doubt; d.Packet != nil {
		p, err := s.published.ParsePacket(d.Packet)
		if err != nil {
			return fmt.Errorf("that waits: %w", err)
		}
		if err := m.past(d.At); err != nil {
			return fmt.Errorf("that waits: %w", err)
		}
		s.doubt = doubt{b: d.Packet, p: p, at: d.At, against: d.Against}
	}
	return nil
}

// takeUp makes all that this process's.
func (m *Importer) takeUp(w *Source) error {
	st, s := m.st, m.s
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.writer != nil || st.heir != nil || st.retired || st.chain.last != nil {
		return errUsed
	}
	st.chain = m.chain
	st.writer, st.unresumed = w, w != nil
	st.vacant, st.patience = s.Vacant, s.Patience
	st.absent, st.until = pusher{s.Absent.From, s.Absent.PushID}, s.Until
	if s.Via != "" {
		st.SetVia(s.Via)
	}
	st.stats.add(&s.Stats)
	if s.Loss != nil {
		st.loss.Store(s.Loss)
	}
	if s.Fault.Text != "" {
		st.Fail(s.Fault)
	}
	if m.chain.gen != nil {
		st.joins.Store(m.chain.joins())
	}
	st.setState(State(s.State))
	st.vain.Store(s.Vain)
	return nil
}

// add adds what was counted elsewhere. What only the other process has a name for is dropped.
func (n *Stats) add(s *StatsSnapshot) {
	for name, c := range n.counters() {
		c.Add(s.Counters.Of(name))
	}
	for r := range n.Left {
		n.Left[r].Add(s.Left.Of(reason.Reason(r).String()))
	}
	for _, r := range s.Refused {
		n.Refused.Add(r.Name, r.Value)
	}
	if len(s.Reports) > 0 {
		for name, h := range n.Reported().histograms() {
			h.Add(s.Reports.Of(name))
		}
	}
	n.lastPacket.Store(int64(s.LastPacket))
}

// Resume is for who goes on as the writer of an imported stream; nil: there was none, or somebody has. evict is as in
// Claim.
func (st *Stream) Resume(evict func()) *Source {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if !st.unresumed {
		return nil
	}
	st.unresumed = false
	st.writer.claim.Evict = evict
	if st.heir != nil && evict != nil { // it has come before us
		evict()
	}
	return st.writer
}

// Settle is for when all have resumed who do: a writer that nobody has is lost now, and its viewers wait for another.
func (st *Stream) Settle() {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if st.unresumed {
		st.unresumed = false
		st.log.Warn("source did not come along", "source", st.writer.claim.Kind, "from", st.writer.claim.Who)
		st.vacate(st.clock.Now(), true)
	}
}
