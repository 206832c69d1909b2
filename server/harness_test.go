package server

import (
	"bytes"
	"log/slog"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/fanout"
	"pumpd/server/proxied"
	"pumpd/server/stream"
)

// A rig is a loop without gnet: its sockets, its watcher and its clock are the test's.
type rig struct {
	t     testing.TB
	at    clock.Instant
	now   func() clock.Instant // at, unless the test has another clock
	loop  *loop
	reg   *stream.Registry
	peers map[int]*peer
	armed map[int]bool // descriptors that the loop waits for
	fd    int
	rung  int     // how often a loop was told that a chain has grown
	logs  *rigLog // of loop and streams
}

// A peer is the far end of a connection: what it sent that is not read yet, and what it was sent.
type peer struct {
	rig    *rig
	conn   *conn
	in     []byte
	got    []byte // replies and stream, in the order they were sent
	room   int    // bytes that its socket takes before it is full
	errno  syscall.Errno
	fin    bool // our side is closed
	gone   bool // the loop was told that it is closed
	reset  bool
	onSend func() // called inside each send
}

const plenty = 1 << 40

var testClient = netip.MustParseAddr("192.0.2.1")

// newRig has one stream of each name; pushes go to it as well.
func newRig(t testing.TB, change func(*config.Config), names ...string) *rig {
	cfg := config.Default()
	cfg.Server.Merge = config.Merge{}
	for _, n := range names {
		cfg.Streams = append(cfg.Streams, config.Stream{Path: n, Enabled: true, Type: config.TypePush,
			OnSecondPush: "takeover", PushFrom: []string{"192.0.2.0/24"}})
	}
	if change != nil {
		change(cfg)
	}
	r := &rig{t: t, at: 1, peers: map[int]*peer{}, armed: map[int]bool{}}
	r.now = func() clock.Instant { return r.at }
	c := clock.Clock{Now: func() clock.Instant { return r.now() }}
	r.logs = &rigLog{slog.DiscardHandler}
	log := slog.New(r.logs)
	n := newNode(&cfg.Server)
	n.line = newLine(lineOf(&cfg.Server), n.ledger, log)
	var streams []*stream.Stream
	ring := func(int, clock.Instant) { r.rung++ }
	for i := range cfg.Streams {
		n.ledger.SetStream(i, streamAdmission(&cfg.Streams[i]))
		streams = append(streams, stream.New(i, &cfg.Streams[i], log, c, &cfg.Server, ring))
	}
	access, err := newPushAccess(streams, c)
	if err != nil {
		t.Fatal(err)
	}
	n.access = access
	if n.viewing, err = newViewAccess(streams, log, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.viewing.close)
	r.reg = stream.NewRegistry(c, time.Duration(cfg.Timeouts.SourceGrace), streams)
	r.loop = newLoop(0, c, cfg, fanout.WithTLS(r), log, r.reg, &serverStats{}, n, func() {})
	r.loop.watcher = r
	if r.loop.limits.proxies, err = proxied.ParseTrusted(cfg.Server.TrustedProxies); err != nil {
		t.Fatal(err)
	}
	r.gate(plenty)
	n.loops = []*loop{r.loop}
	return r
}

// A rigLog is a handler that can be replaced; what is added to it is left off.
type rigLog struct{ slog.Handler }

func (l *rigLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *rigLog) WithGroup(string) slog.Handler      { return l }

// gate gives the loop a gate with places for so many that are not encoders.
func (r *rig) gate(most int64) {
	b := budget{connections: most, encoders: 8, reserve: 4}
	r.loop.gate = newGate(&b, r.loop.log)
	r.loop.onClosed = func(c *conn) { r.loop.gate.leave(c.guest) }
}

// The rig is the loop's engine.

func (r *rig) Send(v *fanout.Viewer, b []byte, done fanout.Reporter) {
	n, errno := r.peers[int(v.FD())].take(b)
	done.Sent(v, n, errno)
}

func (r *rig) Flush() {}

func (r *rig) Writev(v *fanout.Viewer, bs [][]byte) (total int, errno syscall.Errno) {
	p := r.peers[int(v.FD())]
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

// And its watcher.

func (r *rig) close() {}

func (r *rig) arm(fd int32) error {
	r.armed[int(fd)] = true
	return nil
}

func (p *peer) take(b []byte) (int, syscall.Errno) {
	if p.onSend != nil {
		p.onSend()
	}
	if p.errno != 0 {
		return 0, p.errno
	}
	if p.gone || p.fin {
		p.rig.t.Fatalf("descriptor %d: sent %d bytes after the end", p.conn.fd, len(b))
	}
	if p.room == 0 {
		return 0, syscall.EAGAIN
	}
	n := min(len(b), p.room)
	p.room -= n
	p.got = append(p.got, b[:n]...)
	return n, 0
}

// A peer is its conn's wire.

func (p *peer) peek() []byte  { return p.in }
func (p *peer) discard(n int) { p.in = p.in[n:] }
func (p *peer) write(b []byte) {
	p.got = append(p.got, b...)
}

func (p *peer) try(a, b []byte) (n int) {
	for _, piece := range [][]byte{a, b} {
		k, errno := p.take(piece)
		if n += k; errno != 0 || k < len(piece) {
			break
		}
	}
	return n
}

func (p *peer) unsent() int { return 0 }
func (p *peer) shut()       { p.fin = true }
func (p *peer) close(abort bool) {
	p.reset = p.reset || abort
	p.hangUp()
}

// connect opens a connection from 192.0.2.1.
func (r *rig) connect() *peer { return r.connectFrom(testClient) }

// connectFrom opens one from any address. It is nil where the gate has no room for it.
func (r *rig) connectFrom(from netip.Addr) *peer {
	guest, ok := r.loop.gate.enter(from, r.at)
	if !ok {
		return nil
	}
	r.fd++
	p := &peer{rig: r, room: plenty}
	r.peers[r.fd] = p
	remote := netip.AddrPortFrom(from, uint16(1000+r.fd))
	front := frontOf(r.loop.limits.proxies, proxied.Peer{At: remote}, true)
	p.conn = r.loop.open(arrival{wire: p, fd: r.fd, remote: remote, front: front, guest: guest}, r.at)
	return p
}

// say sends the loop bytes from the peer.
func (p *peer) say(s string) {
	p.in = append(p.in, s...)
	p.rig.loop.traffic(p.conn, p.rig.at)
}

// hangUp closes the peer's end.
func (p *peer) hangUp() {
	if !p.gone {
		p.gone = true
		p.rig.loop.closed(p.conn)
		p.rig.loop.onClosed(p.conn)
	}
}

// turn gives the loop what a wake does: writable sockets, a round, the chores.
func (r *rig) turn() {
	var ready []unix.EpollEvent
	for fd := range r.armed {
		if p := r.peers[fd]; p.room > 0 || p.errno != 0 {
			ready = append(ready, unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
			delete(r.armed, fd)
		}
	}
	r.loop.box.post(func(now clock.Instant) { r.loop.ready(ready, now) })
	r.loop.work(r.at)
}

func (r *rig) pass(d time.Duration) { r.at = r.at.Add(d) }

// source claims a stream for the test.
func (r *rig) source(i int) *stream.Source { return r.sourceOf(i, stream.File) }

func (r *rig) sourceOf(i int, kind stream.Kind) *stream.Source {
	s, err := r.reg.Streams()[i].Claim(stream.Claim{Kind: kind, Who: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// watch asks for a stream as agent does and cuts the reply's head off what came.
func (r *rig) watch(name, agent string) *peer {
	p := r.connect()
	p.say("GET /streams/" + name + " HTTP/1.0\r\nUser-Agent: " + agent + "\r\nPragma: xPlayStrm=1\r\n\r\n")
	return p
}

// body is what came after the head of the first reply, nil while that is not whole.
func (p *peer) body() []byte {
	_, after, ok := bytes.Cut(p.got, []byte("\r\n\r\n"))
	if !ok {
		return nil
	}
	return after
}

// status is the first line of what came.
func (p *peer) status() string {
	line, _, _ := bytes.Cut(p.got, []byte("\r\n"))
	return string(line)
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
