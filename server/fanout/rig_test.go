package fanout

import (
	"bytes"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A rig is a hub whose sockets, owner and clock are the test's.
type rig struct {
	t       testing.TB
	cfg     *config.Config
	at      clock.Instant
	hub     *Hub
	stream  *stream.Stream
	line    *line.Line // nil: the configuration has no uplink
	reg     *stream.Registry
	peers   map[int32]*peer // by descriptor
	armed   map[int32]bool  // descriptors that the hub waits for
	leaving []*peer         // are to part when the hub is done
	fd      int32
	busy    bool // the hub is called
	kicks   int  // wakes since it worked last, and before
	pending bool // it was woken and has not worked
}

// A peer is a viewer's connection and its far end: what it was sent.
type peer struct {
	rig    *rig
	viewer *Viewer // nil: it has parted
	fd     int32
	got    []byte // the reply's head and the stream
	room   int    // bytes that its socket takes before it is full
	errno  syscall.Errno
	why    reason.Reason
	fin    bool // our side is closed
	gone   bool // it is closed
	reset  bool
	onSend func() // called inside each send
	socket Socket // what its probe tells
}

const (
	plenty = 1 << 40
	head   = "HTTP/1.0 200 OK\r\n\r\n" // of replies
)

// newRig has one stream.
func newRig(t testing.TB, change func(*config.Config)) *rig {
	cfg := config.Default()
	cfg.Server.Merge = config.Merge{}
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush}}
	if change != nil {
		change(cfg)
	}
	r := &rig{t: t, cfg: cfg, at: 1, peers: map[int32]*peer{}, armed: map[int32]bool{}}
	r.start(r)
	return r
}

// start makes the hub, which sends by that engine, and its stream.
func (r *rig) start(e Engine) {
	cfg := r.cfg
	c := clock.Clock{Now: func() clock.Instant { return r.at }}
	r.stream = stream.New(0, &cfg.Streams[0], slog.New(slog.DiscardHandler), c, &cfg.Server,
		func(int, clock.Instant) {})
	r.reg = stream.NewRegistry(c, time.Duration(cfg.Timeouts.SourceGrace), []*stream.Stream{r.stream})
	if up := cfg.Server.Uplink; up.Rate > 0 || up.Auto {
		r.line = line.New(line.Options{
			Settings: line.Settings{BitsPerSecond: int64(up.Rate), Auto: up.Auto},
			Changed:  func(int64, bool) {},
			Shut:     func(bool) {},
			Free:     func() int64 { return 0 },
		})
	}
	r.hub = New(0, Options{
		Clock: c,
		Limits: Limits{
			Merge:  cfg.Server.Merge,
			MaxLag: time.Duration(cfg.Server.MaxLag),
			Stall:  time.Duration(cfg.Timeouts.Stall),
		},
		Engine: e, Owner: r, Wake: r.wake, Stats: &Stats{},
		Probe: func(fd int32) (Socket, bool) { p, ok := r.peers[fd]; return p.socket, ok },
	})
	never := func(time.Duration) {} // tests take turns; a timer would ring beside them where the machine is slow
	r.hub.ringIn = never
	if r.line != nil {
		r.hub.Watch(r.line)
		r.hub.resumeIn = never
	}
}

func (r *rig) wake() {
	if !r.pending {
		r.pending = true
		r.kicks++
	}
}

// The rig is the hub's engine.

func (r *rig) Send(v *Viewer, b []byte, done Reporter) {
	n, errno := r.peers[v.fd].take(b)
	done.Sent(v, n, errno)
}

func (r *rig) Flush() {}

func (r *rig) Writev(v *Viewer, bs [][]byte) (total int, errno syscall.Errno) {
	p := r.peers[v.fd]
	for _, b := range bs {
		n, errno := p.take(b)
		total += n
		if errno != 0 && total == 0 {
			return 0, errno
		}
		if n < len(b) {
			break
		}
	}
	return total, 0
}

func (r *rig) Close() {}

func (p *peer) take(b []byte) (int, syscall.Errno) {
	if p.onSend != nil {
		p.onSend()
	}
	if p.errno != 0 {
		return 0, p.errno
	}
	if p.gone || p.fin {
		p.rig.t.Fatalf("descriptor %d: sent %d bytes after the end", p.fd, len(b))
	}
	if p.room == 0 {
		return 0, syscall.EAGAIN
	}
	n := min(len(b), p.room)
	p.room -= n
	p.got = append(p.got, b[:n]...)
	return n, 0
}

// And its owner.

func (r *rig) Blocked(v *Viewer) { r.armed[v.fd] = true }
func (r *rig) Skipped(*Viewer)   {}

func (r *rig) End(v *Viewer, why reason.Reason) {
	if p := r.peers[v.fd]; p.why == reason.None {
		p.why = why
		v.Leave()
		r.leaving = append(r.leaving, p)
	}
}

// during makes calls on the hub and then lets go of the viewers that are to leave.
func (r *rig) during(calls func()) {
	r.busy = true
	calls()
	for len(r.leaving) > 0 {
		p := r.leaving[0]
		r.leaving = r.leaving[1:]
		r.hub.Part(p.viewer, p.why, r.at)
		p.viewer = nil
		switch p.why {
		case reason.Stalled:
			p.gone, p.reset = true, true
		case reason.ClientClosed:
			p.gone = true
		default:
			p.fin = true
		}
	}
	r.hub.CountSends()
	r.busy = false
}

// turn gives the hub what a wake does: writable sockets, a round, the chores.
func (r *rig) turn() {
	r.during(func() {
		r.pending = false
		for fd := range r.armed {
			p := r.peers[fd]
			if p.room == 0 && p.errno == 0 {
				continue
			}
			delete(r.armed, fd)
			if p.viewer != nil && p.viewer.Blocked() {
				r.hub.Turn(p.viewer, r.at)
			}
		}
		r.hub.Work(r.at)
		r.hub.DoChores(r.at)
		r.hub.Measure(r.at)
	})
}

func (r *rig) pass(d time.Duration) { r.at = r.at.Add(d) }

// dialect is what a client gets that calls itself agent and asks to play.
func (r *rig) dialect(agent string) *Dialect {
	var q codec.Request
	b := "GET / HTTP/1.0\r\nUser-Agent: " + agent + "\r\nPragma: xPlayStrm=1\r\n\r\n"
	if _, err := codec.ParseRequest([]byte(b), len(b), &q); err != nil {
		r.t.Fatal(err)
	}
	return DialectOf(&q)
}

// watch has a viewer join that calls itself agent. The stream must be up.
func (r *rig) watch(agent string) *peer { return r.watchIn(agent, plenty) }

// watchIn is watch with so much room in the viewer's socket.
func (r *rig) watchIn(agent string, room int) *peer {
	j := r.stream.Up()
	if j == nil {
		r.t.Fatal("the stream is not up")
	}
	r.fd++
	p := &peer{rig: r, fd: r.fd, room: room, viewer: NewViewer(r.fd, r.dialect(agent), nil)}
	r.peers[p.fd] = p
	r.during(func() { r.hub.Join(p.viewer, r.stream, j, []byte(head), r.at) })
	return p
}

// hangUp closes the peer's end.
func (p *peer) hangUp() {
	p.gone = true
	if p.viewer == nil {
		return
	}
	p.rig.End(p.viewer, reason.ClientClosed)
	if !p.rig.busy {
		p.rig.during(func() {})
	}
}

// body is what came after the reply's head, nil while that is not whole.
func (p *peer) body() []byte {
	_, after, ok := bytes.Cut(p.got, []byte("\r\n\r\n"))
	if !ok {
		return nil
	}
	return after
}

// source claims the stream for the test.
func (r *rig) source() *stream.Source { return r.sourceOf(stream.File) }

func (r *rig) sourceOf(kind stream.Kind) *stream.Source {
	s, err := r.stream.Claim(stream.Claim{Kind: kind, Who: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// A seen is what a viewer's bytes mean.
type seen struct {
	headers int
	numbers []uint32 // of the packets
	ended   int64    // reason of $E, -1 without one
}

// read checks the framing of all whole frames in b: LocationIds go up, by 1 but for skips, from 0 in each generation;
// AFFlags by 1, without end.
func (r *rig) read(b []byte) seen {
	r.t.Helper()
	s := seen{ended: -1}
	var flags uint8
	var location uint32
	for len(b) > 0 {
		f, n, err := codec.ParseFrame(b)
		if err == codec.ErrShort {
			return s
		}
		if err != nil {
			r.t.Fatalf("frame: %v", err)
		}
		if s.ended >= 0 {
			r.t.Fatalf("frame %c after the end", f.Type)
		}
		b = b[n:]
		switch f.Type {
		case 'H':
			s.headers++
			location = 0
		case 'D':
			d, err := codec.ParseData(f.Body)
			if err != nil {
				r.t.Fatal(err)
			}
			number := asftest.Number(d.Payload)
			if d.AFFlags != flags {
				r.t.Fatalf("packet %d: AFFlags %d, want %d", number, d.AFFlags, flags)
			}
			if location == 0 && d.Location != 0 || d.Location < location {
				r.t.Fatalf("packet %d: LocationId %d, want at least %d", number, d.Location, location)
			}
			flags++
			location = d.Location + 1
			s.numbers = append(s.numbers, number)
		case 'E':
			why, err := f.Reason()
			if err != nil {
				r.t.Fatal(err)
			}
			s.ended = int64(why)
		}
	}
	return s
}
