package server

import (
	"errors"
	"fmt"
	"net/netip"
	"unique"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/proxied"
	"pumpd/server/pulse"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// How connections move to another process: what is told of each beside its descriptor, see upgrade.go. A conn that has
// a reply to send or is about to close does not move, nor a viewer with TLS: it ends where it is.

// A movedConn is all that a conn is.
type movedConn struct {
	Remote   netip.AddrPort
	Ahead    uint64        // by this name its socket has gone ahead; 0: it has not
	Input    []byte        // that has come and is not used
	Deadline clock.Instant // of its phase
	Held     bool          // its request waits, until then
	Front    *movedFront   // nil: no trusted proxy is in front
	Relay    *movedRelay   // nil: it speaks plainly
	Stream   int           // of those that move: what it watches, pushes or has an encoder's place for; -1: none
	Encoder  bool          // it has an encoder's place
	Asked    clock.Instant // see loop.since; 0: it is not in there
	Name     string        // of the viewer, for logs

	Agent, Host string // see client
	Minor       int
	Seat        admission.Seat
	Viewer      *fanout.ViewerSnapshot // nil: it does not watch
	Lodgers     []byte                 // a record of theirs; empty: it has none
	Push        *movedPush             // nil: it does not push
}

// A movedFront is a front between two requests.
type movedFront struct {
	Base    proxied.Peer
	Awaited bool
}

// describe is what is told of a front, nil for none.
func (f *front) describe() *movedFront {
	if f == nil {
		return nil
	}
	return &movedFront{f.base, f.awaited}
}

// A movedPush is a push. What its source was is the stream's to tell.
type movedPush struct {
	ID                   string
	Minor                int
	Via                  string
	Pump, Keep, Barred   bool
	Resumes, InBody      bool
	State                pushState
	Feeds                bool // it has the claim
	ToCome               int64
	Chunked, MMSH, Ended bool
	Chunks               codec.Chunked
	Partial              []byte
	Last, Next           []byte // headers, as published
	LeftOff              stream.Position
	Heard                clock.Instant
	Pulse                pulse.Pulse
}

// canMove says whether c can go on elsewhere. A push that waits for a claim is asked for before, see contested.
func (c *conn) canMove() bool {
	_, sealed := c.wire.(*tlsWire)
	return !sealed && c.settled()
}

// settled says that c is not about to close, and has nothing to send.
func (c *conn) settled() bool {
	return c.why == reason.None && c.phase != closing && c.phase != closed && c.unsent() == 0
}

// leave adds those of a loop that can move. The loop stands still.
func (d *departure) leave(l *loop, now clock.Instant) {
	l.owner.check()
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if !c.canMove() {
			d.leaveBehind(l, c)
			continue
		}
		m, ok := d.describe(l, c)
		if !ok {
			continue
		}
		d.moved[c] = struct{}{}
		switch {
		case m.Ahead != 0:
			d.viewers = append(d.viewers, m)
		default:
			d.conns, d.fds = append(d.conns, m), append(d.fds, int(c.fd))
		}
	}
}

// leaveBehind is for a conn that cannot move: at best it is relayed.
func (d *departure) leaveBehind(l *loop, c *conn) {
	switch {
	case d.addRelay(l, c):
	case c.viewer != nil:
		n := d.stay[c.viewer.Stream()]
		c.seat.Count(&n)
		d.stay[c.viewer.Stream()] = n
	case c.phase != closing && c.phase != closed:
		d.asked = true
	}
}

// describe is what is told of a conn; false: its stream does not move, so neither does it.
func (d *departure) describe(l *loop, c *conn) (m movedConn, ok bool) {
	var who client
	if c.viewer != nil {
		who = c.who.Value()
	}
	m = movedConn{Remote: c.remote, Deadline: c.deadline, Held: c.phase == holding, Asked: l.since[c],
		Input: c.wire.peek(), Stream: -1, Name: l.viewerOn(c), Agent: who.agent, Host: who.host, Minor: who.minor}
	m.Front, m.Relay = l.fronts[c].describe(), c.describeTLS()
	st := c.stream()
	if st == nil {
		return m, true
	}
	if m.Stream, ok = d.places[st]; !ok {
		return m, false
	}
	m.Encoder = c.guest != nil && c.guest.crowd == &l.gate.encoders
	if c.viewer != nil {
		v := l.hub.Export(c.viewer, d.exports[m.Stream])
		m.Viewer, m.Seat = &v, c.seat
		if n, has := l.lodgers[c]; has {
			m.Lodgers = n.append(nil)
		}
		if _, gone := l.sent[c]; gone {
			m.Ahead, _ = socketName(int(c.fd)) // else it goes now
		}
	}
	if c.push != nil {
		m.Push = c.push.describe(c.phase)
	}
	return m, true
}

// stream is what c has to do with, nil for none.
func (c *conn) stream() *stream.Stream {
	switch {
	case c.viewer != nil:
		return c.viewer.Stream()
	case c.push != nil:
		return c.push.stream
	case c.guest != nil:
		st, _ := c.guest.from.(*stream.Stream)
		return st
	}
	return nil
}

func (p *push) describe(phase phase) *movedPush {
	m := &movedPush{ID: p.id, Minor: p.minor, Via: p.via, Pump: p.pump, Keep: p.keep, Barred: p.barred,
		Resumes: p.resumes, InBody: phase == feeding, State: p.state, Feeds: p.source != nil,
		ToCome: p.body.toCome, Chunked: p.body.chunked, MMSH: p.body.mmsh, Ended: p.body.ended,
		Chunks: p.body.chunks, Partial: p.body.partial, LeftOff: p.leftOff, Heard: p.heard, Pulse: p.Pulse}
	if p.last != nil {
		m.Last = p.last.Raw
	}
	if p.next != nil {
		m.Next = p.next.Raw
	}
	return m
}

// An arrivingConn is one that has moved here, while no loop has it yet.
type arrivingConn struct {
	movedConn
	stream *stream.Stream // nil: none
	viewer *fanout.Viewer // nil: it does not watch
	lodge  lodgers        // where Lodgers is not empty
	push   *push          // nil: it does not push
	tls    *relayed       // nil: it speaks plainly
	early  *earlyConn     // nil: its socket has come with it
}

// arrive makes of what was told of a conn what can be made before it is certain that it comes. An error says what is
// wrong with it.
func arrive(m *movedConn, streams []arrivingStream, access *pushAccess) (*arrivingConn, error) {
	a := &arrivingConn{movedConn: *m}
	switch {
	case !m.Remote.IsValid():
		return nil, errors.New("no address")
	case len(m.Input) > maxMovedInput:
		return nil, fmt.Errorf("%d bytes of input, limit %d", len(m.Input), maxMovedInput)
	case m.Stream < -1 || m.Stream >= len(streams):
		return nil, fmt.Errorf("stream %d of %d", m.Stream, len(streams))
	case m.Stream < 0 && (m.Viewer != nil || m.Push != nil || m.Encoder):
		return nil, errors.New("no stream")
	case !m.Seat.Valid():
		return nil, fmt.Errorf("seat %#x", m.Seat)
	case m.Viewer != nil && m.Push != nil:
		return nil, errors.New("watches and pushes")
	case m.Viewer == nil && len(m.Lodgers) > 0:
		return nil, errors.New("lodgers of nobody")
	case m.Stream >= 0:
		a.stream = streams[m.Stream].stream
	}
	var err error
	if len(m.Lodgers) > 0 {
		if a.lodge, err = parseLodgers(m.Lodgers, lodgers{}); err != nil {
			return nil, err
		}
	}
	if m.Viewer != nil {
		a.viewer, err = fanout.Restore(m.Viewer, -1, streams[m.Stream].importer)
	}
	if m.Push != nil {
		a.push, err = m.Push.arrive(a.stream, access, m.Remote.Addr())
	}
	if m.Relay != nil && err == nil {
		a.tls, err = m.Relay.arrive()
	}
	return a, err
}

// maxMovedInput is more than may wait anywhere.
const maxMovedInput = 2 << 20

// arrive makes a push of what was told of one, but for its source.
func (m *movedPush) arrive(st *stream.Stream, access *pushAccess, from netip.Addr) (p *push, err error) {
	switch {
	case m.State > pushEnded || m.State == pushInheriting:
		return nil, fmt.Errorf("push: state %d", m.State)
	case m.Feeds != (m.State == pushFeeding):
		return nil, fmt.Errorf("push: state %d, and has the claim: %t", m.State, m.Feeds)
	case m.ToCome < 0:
		return nil, fmt.Errorf("push: %d bytes to come", m.ToCome)
	case len(m.Partial) > maxMovedInput:
		return nil, fmt.Errorf("push: %d bytes of a frame, limit %d", len(m.Partial), maxMovedInput)
	}
	p = &push{stream: st, access: access, from: from, id: m.ID, minor: m.Minor, via: m.Via, pump: m.Pump, keep: m.Keep,
		barred: m.Barred, resumes: m.Resumes, state: m.State, leftOff: m.LeftOff, heard: m.Heard, Pulse: m.Pulse,
		body: pushBody{toCome: m.ToCome, chunked: m.Chunked, chunks: m.Chunks, partial: m.Partial, mmsh: m.MMSH,
			ended: m.Ended}}
	if p.last, err = publishedHeader(m.Last); err != nil {
		return nil, err
	}
	p.next, err = publishedHeader(m.Next)
	return p, err
}

// publishedHeader parses one that has been published before, nil for none.
func publishedHeader(b []byte) (*asf.Header, error) {
	if b == nil {
		return nil, nil
	}
	h, err := asf.ParseHeader(b)
	if err != nil {
		return nil, err
	}
	return h.Published(), nil
}

// adopt makes a conn of one that has moved here. It acts on its input when the caller has told its wire whose it is.
func (l *loop) adopt(a *arrivingConn, w wire, fd int, now clock.Instant) *conn {
	l.owner.check()
	l.turned.Store(int64(now))
	c := &conn{loop: l, wire: w, remote: a.Remote, fd: int32(fd), heldSlot: -1, deadline: a.Deadline,
		who: a.who()}
	l.conns.put(c)
	l.schedule(c)
	if len(a.Input) > 0 {
		l.kept[c] = a.Input
	}
	if f := a.Front; f != nil {
		l.fronts[c] = &front{base: f.Base, sender: f.Base, awaited: f.Awaited}
	}
	if a.Asked != 0 {
		l.since[c] = a.Asked
	}
	c.guest = l.gate.readmit(a, c.name(), now, func() { l.evict(c) })
	switch {
	case a.viewer != nil:
		l.adoptViewer(c, a, now)
	case a.push != nil:
		l.adoptPush(c, a)
	}
	return c
}

func (l *loop) adoptViewer(c *conn, a *arrivingConn, now clock.Instant) {
	if a.Name != "" {
		l.asking[c] = &inquiry{viewer: a.Name, admitted: true}
	}
	c.seat = a.Seat
	l.node.ledger.Readmit(c.seat, a.stream.ID(), originOf(c.remote.Addr()))
	l.unschedule(c)
	c.viewer, c.phase, c.deadline = a.viewer, viewing, 0
	c.viewer.Bind(c.fd)
	if id := c.viewer.Session; id != 0 {
		l.node.sessions.playsAt(id, spot{int32(l.id), c.fd})
	}
	l.hub.Adopt(c.viewer, a.stream, now)
	if len(a.Lodgers) > 0 {
		l.lodgers[c] = lodgers{bytes: a.lodge.bytes} // those have been counted
		l.setLodgers(c, a.lodge)
	}
}

func (l *loop) adoptPush(c *conn, a *arrivingConn) {
	p := a.push
	c.push = p
	if a.Push.InBody {
		c.phase = feeding
	}
	if a.Push.Feeds {
		p.source = p.stream.Resume(func() { l.tell(func(clock.Instant) { p.evicted(c) }) })
	}
	if p.source == nil && p.state == pushFeeding { // so it has to claim it as if it had just begun
		p.state = pushWaiting
	}
}

// goOn acts on the input of a conn that has moved here. A request that waits again waits no longer than it would have;
// what it waited for may have been something else, for which there was no deadline.
func (l *loop) goOn(c *conn, a *arrivingConn, now clock.Instant) {
	l.traffic(c, now)
	if a.Held && c.phase == holding && a.Deadline != 0 && c.deadline != 0 {
		c.deadline = min(c.deadline, a.Deadline)
	}
}

// size is about how much of a message m is.
func (m *movedConn) size() int {
	const fixed = 256
	n := fixed + len(m.Input)
	if m.Relay != nil {
		n += len(m.Relay.Cert)
	}
	if m.Viewer != nil {
		n += len(m.Viewer.Owed)
	}
	if m.Push != nil {
		n += len(m.Push.Partial) + len(m.Push.Last) + len(m.Push.Next)
	}
	return n
}

// who is what the access log has of it.
func (m *movedConn) who() unique.Handle[client] { return unique.Make(client{m.Agent, m.Host, m.Minor}) }
