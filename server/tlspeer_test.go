package server

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/fanout"
)

// A tlsPeer is a peer that speaks TLS to a loop without gnet. What the loop sends goes over a real socket, since
// engines send to descriptors; what the peer sends is handed over by the test, in pieces of its choice.
type tlsPeer struct {
	rig  *rig
	tls  *tls.Conn // the client's end
	far  *farEnd
	near *nearEnd
	wire *tlsWire
	conn *conn
}

// A farEnd is the client's socket. After the handshake it keeps what is written.
type farEnd struct {
	net.Conn
	keep  bool
	wrote []byte
	read  []byte // all that was read after the handshake
}

func (f *farEnd) Write(b []byte) (int, error) {
	if f.keep {
		f.wrote = append(f.wrote, b...)
		return len(b), nil
	}
	return f.Conn.Write(b)
}

func (f *farEnd) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if f.keep {
		f.read = append(f.read, b[:n]...)
	}
	return n, err
}

// A nearEnd is our socket as a wire, in place of gnet's.
type nearEnd struct {
	fd    int
	peer  *tlsPeer
	in    []byte
	kept  []byte
	shuts int
	gone  bool
	reset bool
}

func (n *nearEnd) peek() []byte        { return n.in }
func (n *nearEnd) discard(k int)       { n.in = n.in[k:] }
func (n *nearEnd) try(_, _ []byte) int { return 0 }
func (n *nearEnd) unsent() int         { return len(n.kept) }
func (n *nearEnd) write(b []byte) {
	n.kept = append(n.kept, b...)
	n.flush()
}

func (n *nearEnd) flush() {
	if n.gone || len(n.kept) == 0 {
		return
	}
	k, _ := fanout.SendNow(n.fd, n.kept)
	n.kept = n.kept[k:]
}

func (n *nearEnd) shut() {
	n.shuts++
	unix.Shutdown(n.fd, unix.SHUT_WR)
}

func (n *nearEnd) close(abort bool) {
	if n.gone {
		return
	}
	n.gone, n.reset = true, abort
	unix.Close(n.fd)
	n.peer.rig.loop.closed(n.peer.conn)
}

// newTLSRig is a rig whose loop takes connections with TLS as well.
func newTLSRig(t testing.TB) (*rig, *handshakes) {
	r := newRig(t, nil, "a")
	r.fd = 50_000 // sockets that are not real must not have the numbers of those that are
	c := config.Default()
	c.Timeouts.Handshake = config.Duration(time.Minute)
	c.TLS.Certificates = []config.Certificate{writeCertificate(t, t.TempDir(), "pump", "localhost")}
	loaded, err := certificatesOf(&c.TLS, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var certs atomic.Pointer[certificates]
	certs.Store(loaded)
	h := newHandshakes(c, &budget{silent: 4, line: 4}, &certs)
	t.Cleanup(h.stop)
	return r, h
}

// connectTLS opens a connection and makes the handshake. Both sockets hold only a few KB.
func (r *rig) connectTLS(h *handshakes, cfg *tls.Config) *tlsPeer {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer l.Close()
	far, err := (&net.Dialer{Control: small}).Dial("tcp", l.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { far.Close() })
	far.SetDeadline(time.Now().Add(time.Minute))
	accepted, err := l.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	accepted.(*net.TCPConn).SetWriteBuffer(4 << 10)
	p := &tlsPeer{rig: r, far: &farEnd{Conn: far}}
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.InsecureSkipVerify = true
	p.tls = tls.Client(p.far, cfg)
	type result struct {
		w   *tlsWire
		err error
	}
	done := make(chan result, 1)
	go func() {
		w, err := h.run(&newcomer{Conn: accepted})
		done <- result{w, err}
	}()
	if err := p.tls.Handshake(); err != nil {
		r.t.Fatal(err)
	}
	got := <-done
	if got.err != nil {
		r.t.Fatal(got.err)
	}
	p.far.keep = true
	p.wire, p.near = got.w, &nearEnd{fd: descriptor(r.t, accepted), peer: p}
	p.conn = r.loop.open(arrival{wire: p.wire, fd: p.near.fd, remote: netip.AddrPortFrom(testClient, 1)}, r.at)
	p.wire.open(p.conn, p.near)
	p.wire.received(r.at)
	r.t.Cleanup(func() { p.near.close(false) })
	return p
}

// small makes a client's socket one that is soon full, with segments as on a real network.
func small(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10)
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1000)
	})
}

// descriptor takes the socket out of c, as gnet does.
func descriptor(t testing.TB, c net.Conn) (fd int) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(old uintptr) { fd, err = unix.Dup(int(old)) })
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return fd
}

// look tells the loop which of the sockets it waits for can take more, and has it make a round.
func (r *rig) look() {
	for fd := range r.armed {
		if r.peers[fd] == nil {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			if n, _ := unix.Poll(p, 0); n == 0 {
				continue
			}
		}
		delete(r.armed, fd)
		writable := []unix.EpollEvent{{Events: unix.EPOLLOUT, Fd: int32(fd)}}
		r.loop.box.post(func(now clock.Instant) { r.loop.ready(writable, now) })
	}
	r.loop.work(r.at)
}

// say encrypts s and hands it to the loop.
func (p *tlsPeer) say(s string) {
	p.rig.t.Helper()
	p.hand(p.seal(s))
}

// seal encrypts s.
func (p *tlsPeer) seal(s string) []byte {
	p.rig.t.Helper()
	if _, err := io.WriteString(p.tls, s); err != nil {
		p.rig.t.Fatal(err)
	}
	b := p.far.wrote
	p.far.wrote = nil
	return b
}

// hand gives the loop bytes as if they had come from the peer.
func (p *tlsPeer) hand(b []byte) {
	p.near.in = append(p.near.in, b...)
	p.wire.received(p.rig.at)
}

// watch asks for stream a. The head of the reply is left to be read.
func (p *tlsPeer) watch(agent string) {
	p.rig.t.Helper()
	p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + agent + "\r\nPragma: xPlayStrm=1\r\n\r\n")
}

// realTime is what a loop's clock goes on by in the time that a peer waits at the most: stall and the like count
// sockets' time, which is real.
const realTime = 5 * time.Millisecond

// read gives what of our side can be read at once, at most 3,000 bytes. io.EOF: it is closed.
func (p *tlsPeer) read() ([]byte, error) {
	p.rig.t.Helper()
	b := make([]byte, 3000)
	p.far.SetReadDeadline(time.Now().Add(realTime))
	n, err := p.tls.Read(b)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		err = nil
	}
	if err != nil && err != io.EOF {
		p.rig.t.Fatal(err)
	}
	return b[:n], err
}

// drain makes rounds and reads, until our side is closed. each is called before each round.
func (p *tlsPeer) drain(each func()) (got []byte) {
	p.rig.t.Helper()
	for range 10_000 {
		each()
		p.rig.look()
		p.rig.pass(realTime)
		p.near.flush()
		b, err := p.read()
		got = append(got, b...)
		if err == io.EOF {
			return got
		}
	}
	p.rig.t.Fatalf("no end after %d bytes", len(got))
	return nil
}

// lastRecord is the type and the size of the last record that was read.
func (p *tlsPeer) lastRecord() (kind byte, size int) {
	for b := p.far.read; len(b) >= recordHead; b = b[size:] {
		kind, size = b[0], recordHead+int(binary.BigEndian.Uint16(b[3:]))
	}
	return kind, size
}

// isCloseNotify says whether a record looks like an alert from outside: its size, and in TLS 1.2 its type.
func isCloseNotify(version uint16, kind byte, size int) bool {
	const nonce, alert, innerType, tag = 8, 2, 1, 16
	if version == tls.VersionTLS12 {
		return kind == alertRecord && size == recordHead+nonce+alert+tag
	}
	return kind == applicationRecord && size == recordHead+alert+innerType+tag
}

// readUntil makes rounds and reads until enough.
func (p *tlsPeer) readUntil(enough func(got []byte) bool) (got []byte) {
	p.rig.t.Helper()
	for range 10_000 {
		p.rig.look()
		b, err := p.read()
		if got = append(got, b...); err != nil {
			p.rig.t.Fatal(err)
		}
		if enough(got) {
			return got
		}
	}
	p.rig.t.Fatalf("not enough after %d bytes", len(got))
	return nil
}
