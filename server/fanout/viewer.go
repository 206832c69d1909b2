package fanout

import (
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A Viewer is a cursor into a stream's chain, and what its connection still owes of what lies behind the cursor.
// It belongs to its hub's loop.
type Viewer struct {
	// Each round looks at these. They are one line of the processor's cache: thousands of viewers are more than it holds.
	at       *stream.Element // everything up to here is sent, or is in lead
	lead     *lead           // goes out before anything after at; nil: nothing does
	dialect  *Dialect
	progress clock.Instant // when its socket last took something
	bytes    uint64
	fd       int32
	base     uint32 // LocationId of a packet = its index - base; 0 for the first of a generation
	seq      uint8  // AFFlags of the next $D
	state    viewerState
	verdict  reason.Reason // why it is to leave when lead is sent
	debt     debt
	slot     int32 // its place in audience.viewers
	tls      Offer // nil: it is sent what it gets as it is

	audience *audience
	gen      *stream.Generation
	joined   clock.Instant
	skips    uint32

	// Session is the client-id of its Play, 0 without one. It is for the hub's owner and in room that would be padding.
	Session uint32
}

// NewViewer makes a viewer that is yet to join; tls is nil for a plain one.
func NewViewer(fd int32, d *Dialect, tls Offer) *Viewer {
	return &Viewer{fd: fd, dialect: d, tls: tls}
}

// FD is the descriptor of v's socket.
func (v *Viewer) FD() int32 { return v.fd }

// Bind tells a viewer that Restore has made which descriptor its socket has, before it is Adopted.
func (v *Viewer) Bind(fd int32) { v.fd = fd }

// Sent is how many bytes its socket has taken.
func (v *Viewer) Sent() uint64 { return v.bytes }

// Leave makes v one that is sent nothing more; the hub's owner calls Part soon.
func (v *Viewer) Leave() { v.state = leaving }

// Blocked says that v waits for its socket, or for others to have their turns.
func (v *Viewer) Blocked() bool { return v.state == blocked }

// Joined is when v began to watch: it tells two viewers apart that had the same descriptor.
func (v *Viewer) Joined() clock.Instant { return v.joined }

// Stream is what v watches, once it has joined.
func (v *Viewer) Stream() *stream.Stream { return v.audience.stream }

// Relay says that v is a server that passes the stream on.
func (v *Viewer) Relay() bool { return v.dialect.Relay }

// Progressed notes that v's socket takes what it is sent, though nothing of that is reported to the hub yet.
func (v *Viewer) Progressed(now clock.Instant) { v.progress = now }

// Dismissable says that v is there and is to be told when its stream ends. Pumps get a FIN alone: for them that is a
// lost source, which may come back and for which their viewers wait.
func (v *Viewer) Dismissable() bool {
	return v.verdict == reason.None && v.state != leaving && v.dialect != otherPump
}

type viewerState uint8

const (
	following viewerState = iota // takes what it is offered; then blocked, queued or leaving
	blocked                      // its socket or its turn was full; the watcher says go on; then following or leaving
	queued                       // waits until the node's line is free; then following or leaving
	leaving                      // out of its audience; last
)

// inStep says whether the segment that starts at from is exactly what v lacks.
func (v *Viewer) inStep(from *stream.Element) bool {
	return v.at == from && v.state == following && v.lead == nil
}

// prefix writes the 12 bytes before packet e as v counts (mmsh.md §6.2).
func (v *Viewer) prefix(dst []byte, e *stream.Element, seq uint8, size int) {
	codec.PutDataPrefix(dst, 'D', e.Index()-v.base, seq, size)
}

// payload is the form of packet e that v gets.
func (v *Viewer) payload(e *stream.Element) []byte {
	return e.Payload(v.dialect.form)
}

// keepRest remembers what is left of a frame of which the socket took n bytes: 0 < n < prefix + payload.
func (v *Viewer) keepRest(prefix, payload []byte, n int) {
	l := v.needLead()
	if n < len(prefix) {
		l.parts[0] = l.stub[:copy(l.stub[:], prefix[n:])]
		l.parts[1] = payload
		return
	}
	l.parts[1] = payload[n-len(prefix):]
}

// cross brings v over the header element e.
func (v *Viewer) cross(e *stream.Element) {
	if v.gen == e.Generation() {
		v.at = e // it joined here
		return
	}
	v.crossTo(e, e.Generation())
}

// crossTo brings v into the generation g, to go on behind e, by the rule of its dialect (mmsh.md §9).
func (v *Viewer) crossTo(e *stream.Element, g *stream.Generation) {
	v.at = e
	switch v.dialect.crossing {
	case changeInBand:
		v.enter(e)
		v.gen = g
		v.sendLast(g.Change())
	case reopen:
		v.verdict = reason.HeaderChanged
		if v.audience.stream.Joins() != nil {
			v.sendLast(entryEnded)
		} else { // over already: who asks again finds nothing, and players that do so do not stop
			v.sendLast(streamEnded)
		}
	case conclude:
		v.verdict = reason.HeaderChanged
		v.sendLast(streamEnded)
	case hangUp:
		v.verdict = reason.HeaderChanged
	}
}

// enter puts v at e and makes the next packet the first of its generation: LocationId starts at 0, AFFlags goes on.
func (v *Viewer) enter(e *stream.Element) {
	v.at, v.base = e, e.Following()
}

// skip moves v forward to e. LocationId jumps with it, unless v has had no packet yet: then it still starts at 0.
func (v *Viewer) skip(e *stream.Element) {
	if v.base == v.at.Following() {
		v.base = e.Following()
	}
	v.at = e
}

// finish tells v that the stream is over.
func (v *Viewer) finish(e *stream.Element) {
	v.at, v.verdict = e, reason.SourceEnded
	if v.dialect.MMSH() {
		v.sendLast(streamEnded)
	}
}

// The two ends of a stream as viewers see them, mmsh.md §6.3.
var (
	streamEnded = codec.AppendReason(nil, 'E', 0) // over; any other reason makes some players reconnect for ever
	entryEnded  = codec.AppendReason(nil, 'E', 1) // this entry is over and the next header is there already
)

// begin puts a new viewer at the join point.
func (v *Viewer) begin(j *stream.Joins) {
	b, at, packets := j.Begin(v.dialect.form, v.dialect.bears)
	v.gen, v.at, v.base, v.seq = j.Gen, at, at.Following()-uint32(packets), packets
	v.needLead().parts[1] = b
}

// beginBare gives a new viewer the header alone; restart says where it starts.
func (v *Viewer) beginBare(j *stream.Joins) {
	b, at := j.Bare(v.dialect.form)
	v.gen, v.at, v.base, v.seq = j.Gen, at, at.Following(), 0
	v.needLead().parts[1] = b
}

// restart puts a viewer that has had the header and no packet at the join point.
func (v *Viewer) restart(j *stream.Joins) {
	b, at, packets := j.Restart(v.dialect.form, v.dialect.bears)
	v.at, v.base, v.seq = at, at.Following()-uint32(packets), packets
	if len(b) > 0 {
		v.needLead().parts[1] = b
	}
}
