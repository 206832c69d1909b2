package pull

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/pulse"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// A Snapshot is what another process needs to go on with a pull where it was. Which origins have failed is not in it:
// all may be tried again there.
type Snapshot struct {
	Awake   bool          // of a stream on demand: somebody watches, or did not long ago
	Watched clock.Instant // the last time that somebody did, while awake
	Feeds   bool          // it has the stream's claim
	Lane    *LaneSnapshot // that feeds; nil: another one is to be opened there

	LeftOff stream.Position // the chain's end, or where that was when the last claim was given up; 0: there was none
}

// A LaneSnapshot is a lane that feeds, whose socket goes along.
type LaneSnapshot struct {
	URL    string // of its origin, as configured
	Aim    uint8
	Via    string
	Header []byte
	Pulse  pulse.Pulse
	Began  clock.Instant // when its first packet came
	Answer upstream.Snapshot

	// Of what comes as a file.
	File  bool
	First uint32        // send time, in ms, of a packet
	Due   clock.Instant // when that was due
}

// An Inheritance is what the process before has left of a pull.
type Inheritance struct {
	snapshot *Snapshot
	source   *stream.Source // nil: it does not feed
	socket   net.Conn       // nil: there is none
}

// Inherit takes what there is from the process before: the stream's claim and the socket, which are to be given to Run.
// The snapshot has been checked.
func Inherit(st *stream.Stream, s *Snapshot, socket *os.File) *Inheritance {
	from := &Inheritance{snapshot: s}
	if w := st.Writer(); s.Feeds && w != nil && w.Kind() == stream.Pull {
		from.source = st.Resume(nil)
	}
	if socket != nil {
		if c, err := net.FileConn(socket); err == nil {
			from.socket = c
		}
		socket.Close() // it is another descriptor
	}
	return from
}

// Check says what in a snapshot cannot be.
func (s *Snapshot) Check() error {
	if s.Lane == nil {
		return nil
	}
	l := s.Lane
	h, err := asf.ParseHeader(l.Header)
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if a := aim(l.Aim); a > aimReturn {
		return fmt.Errorf("pull: aim %d, limit %d", a, aimReturn)
	}
	if p := l.Pulse; p.Packets < 1 || p.Pace < 0 || p.Latest.Before(p.First) {
		return fmt.Errorf("pull: %d packets from %v to %v, every %v", p.Packets, p.First, p.Latest, p.Pace)
	}
	if n := l.Answer.Packet; n > 0 && n != h.PacketSize {
		return fmt.Errorf("pull: packets of %d bytes, the header has %d", n, h.PacketSize)
	}
	return l.Answer.Check()
}

// snapshot is for a puller that stands still.
func (p *puller) snapshot() *Snapshot {
	s := &Snapshot{Awake: p.awake, Watched: p.watched, Feeds: p.source != nil, LeftOff: p.leftOff}
	if s.Feeds {
		s.LeftOff = p.source.Position()
	}
	return s
}

// movable is the state of a puller whose delivery stands still.
func (p *puller) movable(d *delivery) standstill.State {
	s, fd := p.snapshot(), -1
	if answer, socket, ok := d.answer.Load().Snapshot(); ok {
		l := d.lane
		s.Lane = &LaneSnapshot{URL: l.origin.url, Aim: uint8(l.aim), Via: l.via, Header: l.header, Pulse: l.Pulse,
			Began: d.began, Answer: *answer, File: l.file}
		if f := &d.pace; f.header != nil {
			s.Lane.First, s.Lane.Due = f.first, p.st.Clock().Now().Add(-time.Since(f.start))
		}
		fd = descriptor(socket)
	}
	return standstill.State{Snapshot: s, FD: fd}
}

// descriptor is that of a socket, which stays the socket's.
func descriptor(c *net.TCPConn) (n int) {
	n = -1
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { n = int(fd) }) // else it is closed
	}
	return n
}

// leave lets go of a stream that another process feeds from here on, and tells nobody. Who else may yet feed it here
// finds it vacant.
func (p *puller) leave() {
	p.withdraw()
	if p.source != nil {
		p.release(p.source.Yield)
	}
}

// inherit goes on from what there is of the process before. Where the lane has not come along another one must do,
// whose packets are lined up with the chain.
func (p *puller) inherit() {
	from := p.from
	if from == nil {
		return
	}
	p.from = nil
	s := from.snapshot
	p.awake, p.watched, p.leftOff = s.Awake, s.Watched, s.LeftOff
	if !p.resume(from) {
		from.discard()
	}
}

// discard lets go of an inheritance that nobody can go on with. That it was moved must do for a key frame to come from
// elsewhere, however short the grace is.
func (i *Inheritance) discard() {
	if i == nil {
		return
	}
	if i.socket != nil {
		i.socket.Close()
	}
	if i.source != nil {
		i.source.Succeed(i.source.Who()).Yield()
	}
}

// resume has the lane of the process before feed the stream on, if there is one and its origin is still configured.
func (p *puller) resume(from *Inheritance) bool {
	s := from.snapshot.Lane
	if s == nil || from.source == nil || from.socket == nil {
		return false
	}
	i := slices.IndexFunc(p.origins, func(q *origin) bool { return q.url == s.URL })
	l := &lane{aim: aim(s.Aim), opened: p.st.Clock().Now(), via: s.Via, Pulse: s.Pulse, file: s.File}
	if i < 0 || l.setHeader(s.Header) != nil {
		return false
	}
	l.origin = p.origins[i]
	ctx, cancel := context.WithCancel(p.ctx)
	l.cancel = cancel
	d := p.newDelivery(ctx, l)
	d.via, d.playing, d.began = s.Via, true, s.Began
	if s.File {
		d.pace = pacer{header: l.asf, first: s.First, start: time.Now().Add(-p.st.Clock().Now().Since(s.Due))}
	}
	a := p.Resume(ctx, &s.Answer, from.socket)
	d.answer.Store(a)
	p.lanes, p.active, p.source = append(p.lanes, l), l, from.source
	p.work.Go(func() { p.deliver(d, func() error { return d.resume(a) }) })
	return true
}
