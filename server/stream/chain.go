package stream

import (
	"sync/atomic"
	"time"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// An Element is one of the chain that a stream is. Its one writer appends; any number of viewers on any loop walk it,
// each at its own cursor. An element never changes once it is linked, nobody copies it and nobody counts references to
// it: what no cursor and no join point holds any more is the garbage collector's.
//
//	header ─▶ packet ─▶ packet ─▶ packet ─▶ header ─▶ packet ─▶ … ─▶ end
//	             ▲         ▲                             ▲
//	        join.start   a viewer's cursor            chain.last
type Element struct {
	next atomic.Pointer[Element] // set once, by the writer

	kind  ElementKind
	by    Kind          // a packet: what has brought it
	sent  uint32        // a packet: its send time, ms, as that has sent it
	order uint64        // position in the chain, +1 each; tells which of two cursors is ahead
	index uint64        // packets before this one; LocationIds are differences of it
	bytes uint64        // of memory that packets up to and including this one take
	at    clock.Instant // when it was published
	full  []byte        // a packet: exactly PacketSize bytes, padding explicit (asf.md §5)
	short []byte        // a packet: padding removed where players can restore it; may be full itself
	gen   *Generation
}

// Next is the element after e, nil at the end of the chain.
func (e *Element) Next() *Element { return e.next.Load() }

// Kind says what e is.
func (e *Element) Kind() ElementKind { return e.kind }

// At is when e was published.
func (e *Element) At() clock.Instant { return e.at }

// Order is e's place in the chain: each element's is one more than that of the one before.
func (e *Element) Order() uint64 { return e.order }

// Index is how many packets are before e, modulo 2^32; LocationIds are differences of it.
func (e *Element) Index() uint32 { return uint32(e.index) }

// Generation is what begins at a header element, nil for others.
func (e *Element) Generation() *Generation { return e.gen }

// After says that e is after o in their chain.
func (e *Element) After(o *Element) bool { return e.order > o.order }

// BytesSince is how much memory the packets after o take, up to and including e, which is not before it.
func (e *Element) BytesSince(o *Element) uint64 { return e.bytes - o.bytes }

// Full is a packet with its padding: exactly PacketSize bytes. Nobody changes them.
func (e *Element) Full() []byte { return e.full }

// Payload is a packet as viewers of a form get it. Nobody changes it.
func (e *Element) Payload(f Form) []byte {
	if f == ShortFrames {
		return e.short
	}
	return e.full
}

// Following is the index, modulo 2^32, of the packet after e.
func (e *Element) Following() uint32 {
	if e.kind == PacketElement {
		return uint32(e.index) + 1
	}
	return uint32(e.index)
}

// An ElementKind is what an element is in the chain.
type ElementKind uint8

const (
	PacketElement ElementKind = iota // media; then anything
	HeaderElement                    // a new generation starts here; then packet or end
	EndElement                       // the source is over, viewers leave here; then header
)

// A Generation is one header and everything that is derived from it once, for all viewers. Only its reach may change.
type Generation struct {
	header *asf.Header // as published: broadcast bit set, Data Object size 50
	framed []byte      // $H in MMSH framing: the body of a Describe and the start of a Play
	change []byte      // $C(0) and framed: how a viewer that understands it crosses into this generation

	reach atomic.Pointer[reach] // how far back newcomers may start; the writer's to replace
}

func newGeneration(h *asf.Header, b config.Burst) *Generation {
	framed := codec.AppendHeader(nil, h.Raw)
	change := append(codec.AppendReason(nil, 'C', 0), framed...)
	g := &Generation{header: h, framed: framed, change: change}
	g.reachBy(b)
	return g
}

// reachBy has newcomers start as far back as the configuration wants.
func (g *Generation) reachBy(b config.Burst) {
	r := reachOf(b, g.header.Preroll)
	g.reach.Store(&r)
}

// Header is as published: broadcast bit set, Data Object size 50.
func (g *Generation) Header() *asf.Header { return g.header }

// Framed is $H in MMSH framing: the body of a Describe and the start of a Play.
func (g *Generation) Framed() []byte { return g.framed }

// Change is how a viewer that understands it crosses into the generation: $C(0) and Framed.
func (g *Generation) Change() []byte { return g.change }

// Lag is how much farther behind than usual a viewer may be that has started at the oldest join point.
func (g *Generation) Lag() time.Duration { return g.reach.Load().lag() }

// Joins says where in the chain a viewer may start. It is replaced as a whole, never changed.
type Joins struct {
	Gen     *Generation
	Start   *Element      // cursor of a newcomer: before the oldest join point inside the burst, else = newest
	opening *opening      // for those who start there; nil: the chain will do
	Newest  *Element      // the element before the newest join point: where a viewer that is too far behind goes on
	back    time.Duration // of stream between start and the end of the chain
	oldest  *joinable     // the point of Start; nil: there is none
	bytes   uint64        // of the chain, up to its end
	latest  clock.Instant // when the newest join point was published
	every   time.Duration // how long it came after the one before; 0: not known
}

// Reached is the send time, in ms, of the newest packet as its source has sent it. It is false where that was none of
// an encoder.
func (j *Joins) Reached() (send uint32, ok bool) {
	last := j.Newest
	for e := last; e != nil; e = e.Next() {
		last = e
	}
	return last.sent, last.kind == PacketElement && last.by == Push
}

// A chain is the writer's end. It belongs to whoever holds the stream's claim.
type chain struct {
	last     *Element
	gen      *Generation
	points   pointQueue
	sendTime uint32        // send time of the newest packet, ms, as published
	shown    uint32        // latest presentation time of this generation, likewise
	shift    uint32        // ms, added to the times of the source, modulo 2^32
	latest   clock.Instant // when the newest join point was published; 0: there was none
	every    time.Duration // how long it came after the one before; 0: not known
	full     bool          // the limits of memory keep newcomers from starting as far back as they should
	by       Kind          // of the source that writes
	tuning   *tuning
}

// packets says that the chain goes on behind a packet, and not behind a header or an end, or with its first element.
func (c *chain) packets() bool { return c.last != nil && c.last.kind == PacketElement }

// A joinable is the element before a packet that a viewer may start with, and that packet's time and place.
type joinable struct {
	// Set by the writer before it is shown, never changed.
	before  *Element
	at      clock.Instant
	bytes   uint64
	opening *opening

	next atomic.Pointer[joinable] // the point after this one, set once; not to one before, which would hold the chain
}

// newJoinable is the point at which the packet e may be started with, for which o stands if it needs one.
func newJoinable(before, e *Element, o *opening) *joinable {
	if o != nil {
		o.first = e
	}
	return &joinable{before: before, at: e.at, bytes: before.bytes, opening: o}
}

// pointQueue holds the join points of the burst, oldest first.
type pointQueue []*joinable

// add adds the newest.
func (q *pointQueue) add(j *joinable) {
	if n := len(*q); n > 0 {
		(*q)[n-1].next.Store(j)
	}
	*q = append(*q, j)
}

// KeyPatience is for how long a key frame is waited for: without any for so long every packet is a join point
// (asf.md §6).
const KeyPatience = 10 * time.Second

// Limits on how far back a join point may lie: past them a burst would be longer than a player's patience, and the
// chain behind it more than a small box wants to keep.
const (
	oldestJoin      = 30 * time.Second
	farthestJoin    = 32 << 20 // bytes
	maxBurstEntries = 4096
)

// trim drops the points that are outside the burst, keeping at least one, and that one too when it is out of reach. It
// reports whether points are missing there because they were too many or had too much behind them.
func (q *pointQueue) trim(now clock.Instant, bytes uint64, r reach) (full bool) {
	p := *q
	for len(p) > 1 {
		large := len(p) > maxBurstEntries || bytes-p[0].bytes > farthestJoin
		if !large && !r.past(now.Since(p[0].at), now.Since(p[1].at)) {
			break
		}
		full = full || large && now.Since(p[1].at) < r.least
		p[0] = nil // the array behind p lives on; it must not hold the chain
		p = p[1:]
	}
	if len(p) == 1 && (now.Since(p[0].at) > max(oldestJoin, r.most) || bytes-p[0].bytes > farthestJoin) {
		p = nil
	}
	*q = p
	return full
}

// begin starts a generation. tell gets the joins of a newcomer that finds no packet yet, before the element is linked:
// a viewer that crosses there may ask again at once, on another loop, and must be given the new header.
func (c *chain) begin(g *Generation, now clock.Instant, tell func(*Joins)) {
	e := &Element{kind: HeaderElement, at: now, gen: g}
	c.number(e)
	c.gen, c.points, c.shift, c.full, c.latest, c.every = g, nil, 0, false, 0, 0
	tell(&Joins{Gen: g, Start: e, Newest: e})
	c.link(e)
}

// packet appends a packet and returns the joins that are valid from now on. o is for a packet to join at, if it needs
// one.
func (c *chain) packet(full, short []byte, join bool, o *opening, now clock.Instant) *Joins {
	before := c.last
	e := &Element{kind: PacketElement, by: c.by, sent: c.sendTime - c.shift, at: now, full: full, short: short}
	c.number(e)
	c.link(e)
	if join {
		if c.latest != 0 {
			c.every = now.Since(c.latest)
		}
		c.latest = now
		c.points.add(newJoinable(before, e, o))
	}
	c.full = c.points.trim(now, e.bytes, *c.gen.reach.Load()) || c.full
	return c.joins()
}

// joins are those that are valid where the chain ends with a packet, or with a header behind which none has come.
func (c *chain) joins() *Joins {
	last := c.last
	if len(c.points) == 0 {
		return &Joins{Gen: c.gen, Start: last, Newest: last}
	}
	oldest, newest := c.points[0], c.points[len(c.points)-1]
	return &Joins{Gen: c.gen, Start: oldest.before, opening: oldest.opening, Newest: newest.before,
		back: last.at.Since(oldest.at), oldest: oldest, bytes: last.bytes, latest: c.latest, every: c.every}
}

// end appends the end.
func (c *chain) end(now clock.Instant) {
	e := &Element{kind: EndElement, at: now}
	c.number(e)
	c.link(e)
	c.gen, c.points = nil, nil
}

// number numbers the element that comes next.
func (c *chain) number(e *Element) {
	if p := c.last; p != nil {
		e.order, e.index, e.bytes = p.order+1, p.index, p.bytes
		if p.kind == PacketElement {
			e.index++
		}
	}
	e.bytes += uint64(len(e.full))
	if len(e.short) != len(e.full) { // else they are the same bytes
		e.bytes += uint64(len(e.short))
	}
}

// link makes a placed element the last one. From here on it is everybody's.
func (c *chain) link(e *Element) {
	if c.last != nil {
		c.last.next.Store(e)
	}
	c.last = e
}

// A Form is how packets look on the wire to a viewer.
type Form uint8

const (
	ShortFrames Form = iota // $D, padding removed
	FullFrames              // $D of full-size packets
	RawPackets              // plain full-size packets (asf.md §8)
	Forms
)
