package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/fanout"
	"pumpd/server/reason"
)

var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

func only(version uint16) *tls.Config {
	return &tls.Config{MinVersion: version, MaxVersion: version}
}

// The shim stands on this belief about crypto/tls: an error that is temporary leaves a tls.Conn as it was, any other
// does not.
func TestOnlyTemporaryErrorsAreForgiven(t *testing.T) {
	r, h := newTLSRig(t)
	for _, err := range []error{os.ErrDeadlineExceeded, io.ErrNoProgress, syscall.EPIPE} {
		p := r.connectTLS(h, nil)
		b := p.seal("hello")
		w := p.wire
		w.shim.handshake = newHandshake(&newcomer{Conn: failing{err: err}}, h)
		w.shim.compute()
		if _, got := w.tls.Read(make([]byte, 10)); !errors.Is(got, err) {
			t.Fatalf("got %v, want %v", got, err)
		}
		w.shim.rest()
		w.shim.handshake, w.shim.in = nil, b
		got := make([]byte, 10)
		n, again := w.tls.Read(got)
		forgiven := errors.Is(err, os.ErrDeadlineExceeded)
		if forgiven != (again == nil) || forgiven != (string(got[:n]) == "hello") {
			t.Errorf("after %v: %q, %v", err, got[:n], again)
		}
	}
}

type failing struct {
	net.Conn
	err error
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (f failing) RemoteAddr() net.Addr     { return nil }

// What comes is the same wherever the network cuts it.
func TestRecordsCutAtEachByte(t *testing.T) {
	for name, version := range tlsVersions {
		r, h := newTLSRig(t)
		p := r.connectTLS(h, only(version))
		p.conn.phase = feeding
		p.conn.push = &push{stream: r.reg.Streams()[0], access: r.loop.node.access, state: pushInheriting} // takes nothing
		for cut, size := 0, 1; cut <= size; cut++ {
			want := ""
			var b []byte
			for i := range 3 {
				s := fmt.Sprintf("%d.%d%s;", cut, i, strings.Repeat("x", 20*i))
				want += s
				b = append(b, p.seal(s)...)
			}
			size = len(b)
			p.hand(b[:cut])
			p.hand(b[cut:])
			if got := p.wire.peek(); string(got) != want {
				t.Fatalf("%s, cut after %d bytes: %q, want %q", name, cut, got, want)
			}
			p.wire.discard(len(want))
		}
	}
}

func TestRecordsByteByByte(t *testing.T) {
	for name, version := range tlsVersions {
		r, h := newTLSRig(t)
		f := r.feeder(0, 320)
		f.publish(3)
		p := r.connectTLS(h, only(version))
		for _, b := range p.seal("GET /streams/a HTTP/1.0\r\nUser-Agent: " + ffmpegAgent +
			"\r\nPragma: xPlayStrm=1\r\n\r\n") {
			p.hand([]byte{b})
		}
		f.src.End()
		_, body, _ := bytes.Cut(p.drain(func() {}), []byte("\r\n\r\n"))
		if got := r.read(body); got.headers != 1 || len(got.numbers) != 3 || got.ended != 0 {
			t.Errorf("%s: %+v, want a header, 3 packets and the end", name, got)
		}
	}
}

// What comes with the end of the handshake must not wait for something else to come.
func TestRequestWithTheLastFlight(t *testing.T) {
	r, h := newTLSRig(t)
	near, far := net.Pipe()
	defer far.Close()
	late := &delaying{Conn: far}
	sent := make(chan error, 1)
	go func() {
		client := tls.Client(late, &tls.Config{InsecureSkipVerify: true})
		_, err := io.WriteString(client, "OPTIONS * HTTP/1.0\r\n\r\n")
		sent <- errors.Join(err, late.flush())
		io.Copy(io.Discard, far) // tickets
	}()
	w, err := h.run(&newcomer{Conn: near})
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	p := r.connect()
	p.conn.wire = w
	w.open(p.conn, p)
	w.received(r.at)
	if len(p.got) == 0 || !p.fin {
		t.Errorf("%d bytes of reply, FIN: %v", len(p.got), p.fin)
	}
}

// A delaying conn writes when it must: before it reads.
type delaying struct {
	net.Conn
	held []byte
}

func (h *delaying) Write(b []byte) (int, error) {
	h.held = append(h.held, b...)
	return len(b), nil
}

func (h *delaying) Read(b []byte) (int, error) {
	if err := h.flush(); err != nil {
		return 0, err
	}
	return h.Conn.Read(b)
}

func (h *delaying) flush() error {
	if len(h.held) == 0 {
		return nil
	}
	_, err := h.Conn.Write(h.held)
	h.held = nil
	return err
}

// A viewer whose socket takes a few KB at a time gets what a fast one without TLS gets, up to our end and TLS's, and
// costs the memory of one turn.
func TestSlowTLSViewer(t *testing.T) {
	for name, version := range tlsVersions {
		for _, agent := range []string{ffmpegAgent, curlAgent} {
			r, h := newTLSRig(t)
			f := r.feeder(0, 320)
			f.publish(1)
			plain := r.watch("a", agent)
			p := r.connectTLS(h, only(version))
			p.watch(agent)
			f.publish(200)
			r.look()
			if !p.conn.viewer.Blocked() {
				t.Fatalf("TLS %s: the socket is not full", name)
			}
			f.src.End()
			got := p.drain(func() {
				if n, most := cap(p.wire.shim.out), fanout.OfferBytes+16<<10; n > most {
					t.Fatalf("TLS %s: %d bytes of memory for what is unsent, want at most %d", name, n, most)
				}
			})
			_, body, _ := bytes.Cut(got, []byte("\r\n\r\n"))
			if want := plain.body(); !bytes.Equal(body, want) || len(want) < 201*500 {
				t.Errorf("TLS %s, %s: %d bytes, %d without TLS; the same: %v", name, agent, len(body), len(want),
					bytes.Equal(body, want))
			}
			kind, size := p.lastRecord()
			if !isCloseNotify(version, kind, size) {
				t.Errorf("TLS %s: the last record has type %d and %d bytes, want close_notify", name, kind, size)
			}
			r.pass(choreInterval)
			if r.look(); p.near.shuts == 0 {
				t.Errorf("TLS %s: no FIN", name)
			}
		}
	}
}

// offer counts the last byte when everything is sent, and not before.
func TestOffersOfAnySize(t *testing.T) {
	r, h := newTLSRig(t)
	f := r.feeder(0, 320)
	f.publish(1)
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 1))
	for name, version := range tlsVersions {
		p := r.connectTLS(h, only(version))
		p.watch(curlAgent)
		want := make([]byte, 1<<20)
		for i := range want {
			want[i] = byte(dice.Uint32())
		}
		p.readUntil(func(got []byte) bool { // the head and what there is of the stream: a header and a packet
			_, body, _ := bytes.Cut(got, []byte("\r\n\r\n"))
			return len(body) == len(asftest.Header(asftest.PacketSize, 320))+asftest.PacketSize
		})
		var got []byte
		for at := 0; at < len(want); {
			size := 1 + dice.IntN(min(len(want)-at, 1<<(1+dice.IntN(17))))
			n, errno := p.wire.offer(want[at : at+size])
			if full := errno == syscall.EAGAIN; n > size || errno != 0 && !full || full && n > 0 {
				t.Fatalf("TLS %s, seed %d: offered %d: %d, %v", name, seed, size, n, errno)
			}
			if pending := len(p.wire.shim.unsent()); (pending > 0) != p.wire.heldBack {
				t.Fatalf("TLS %s, seed %d: %d bytes unsent, held %v", name, seed, pending, p.wire.heldBack)
			}
			if need := len(p.wire.shim.unsent()); n > 0 && cap(p.wire.shim.out) > need*5/4+64 {
				t.Fatalf("TLS %s, seed %d: %d bytes of memory for %d unsent", name, seed, cap(p.wire.shim.out), need)
			}
			at += n
			if n < size {
				b, _ := p.read()
				got = append(got, b...)
			}
		}
		if n := len(p.wire.shim.unsent()); n > 0 {
			t.Errorf("TLS %s, seed %d: all is taken, %d bytes are unsent", name, seed, n)
		}
		for len(got) < len(want) {
			b, err := p.read()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("TLS %s, seed %d: other bytes came", name, seed)
		}
	}
}

// TLS's own messages get their answers without disturbing what is being sent, be the socket full or not.
func TestKeyUpdates(t *testing.T) {
	for _, full := range []bool{false, true} {
		r, h := newTLSRig(t)
		f := r.feeder(0, 320)
		f.publish(1)
		plain := r.watch("a", ffmpegAgent)
		p, client, server := r.connectByHand(h)
		p.hand(client.seal(applicationRecord, []byte("GET /streams/a HTTP/1.0\r\nUser-Agent: "+ffmpegAgent+
			"\r\nPragma: xPlayStrm=1\r\n\r\n")))
		update := func(message []byte) {
			p.hand(client.seal(handshakeRecord, message))
			client.renew()
		}
		if full {
			f.publish(200)
			r.look()
			if !p.conn.viewer.Blocked() {
				t.Fatal("the socket is not full")
			}
		}
		for range 3 {
			update(newKeysPlease)
			update(newKeys)
			f.publish(10)
			r.look()
		}
		f.src.End()
		var raw []byte
		buffer := make([]byte, 3000)
		for {
			r.look()
			r.pass(realTime)
			p.near.flush()
			p.far.SetReadDeadline(time.Now().Add(realTime))
			n, err := p.far.Conn.Read(buffer)
			raw = append(raw, buffer[:n]...)
			if err == io.EOF {
				break
			}
		}
		got := server.read(raw)
		_, body, _ := bytes.Cut(got.data, []byte("\r\n\r\n"))
		if got.keys != 3 || !slices.Equal(got.alerts, []byte{0}) || !bytes.Equal(body, plain.body()) {
			t.Errorf("socket full: %v: %d KeyUpdates, alerts %v, %d bytes, want 3, [0], %d", full, got.keys, got.alerts,
				len(body), len(plain.body()))
		}
	}
}

// Who asks for new keys again and again and reads none of the answers is not given memory without end.
func TestKeyFlood(t *testing.T) {
	r, h := newTLSRig(t)
	f := r.feeder(0, 320)
	f.publish(1)
	for _, watch := range []bool{false, true} {
		p, client, _ := r.connectByHand(h)
		if watch {
			p.hand(client.seal(applicationRecord, []byte("GET /streams/a HTTP/1.0\r\n\r\n")))
		}
		for n := 0; p.conn.why == reason.None; n++ {
			if n > 100_000 {
				t.Fatalf("viewer: %v: still there after %d KeyUpdates, %d bytes unsent", watch, n,
					len(p.wire.shim.unsent())+p.near.unsent())
			}
			b := client.seal(handshakeRecord, newKeysPlease)
			client.renew()
			// Something useful in between, or crypto/tls ends it.
			p.hand(append(b, client.seal(applicationRecord, []byte("\r"))...))
		}
		if most := maxAnswers + 1<<10; len(p.wire.shim.unsent())+p.near.unsent() > most {
			t.Errorf("viewer: %v: %d bytes unsent, want at most %d", watch, len(p.wire.shim.unsent())+p.near.unsent(), most)
		}
	}
}

// brokenRecords are sent in place of a request. The alerts are those of RFC 8446 6.2; without one crypto/tls has
// nothing to say.
var brokenRecords = []struct {
	name  string
	make  func(client *half) []byte
	alert byte
}{
	{"a byte of it changed", func(c *half) []byte {
		b := c.seal(applicationRecord, []byte("GET / HTTP/1.0\r\n\r\n"))
		b[10] ^= 1
		return b
	}, 20},
	{"sent again", func(c *half) []byte {
		b := c.seal(applicationRecord, []byte("\r\n"))
		return append(b, b...)
	}, 20},
	{"longer than it may be", func(c *half) []byte { return []byte{applicationRecord, 3, 3, 0x41, 0x01} }, 22},
	{"as long as a length can be", func(c *half) []byte { return []byte{applicationRecord, 3, 3, 0xFF, 0xFF} }, 22},
	{"more plain text than it may have", func(c *half) []byte {
		return c.seal(applicationRecord, make([]byte, 16<<10+1))
	}, 22},
	{"another version", func(c *half) []byte { return []byte{applicationRecord, 3, 1, 0, 1, 0} }, 70},
	{"not encrypted", func(c *half) []byte { return append([]byte{handshakeRecord, 3, 3, 0, 5}, newKeysPlease...) }, 20},
	{"no type", func(c *half) []byte { return c.seal(0, make([]byte, 10)) }, 10},
	{"unknown type", func(c *half) []byte { return c.seal(99, []byte("x")) }, 10},
	{"nothing, again and again", func(c *half) (b []byte) {
		for range 20 {
			b = append(b, c.seal(applicationRecord, nil)...)
		}
		return b
	}, 10},
	{"HTTP", func(c *half) []byte { return []byte("GET / HTTP/1.0\r\n\r\n") }, 70},
	{"another handshake", func(c *half) []byte { return c.seal(handshakeRecord, []byte{1, 0, 0, 2, 3, 3}) }, 50},
	{"half a message, then data", func(c *half) []byte {
		return append(c.seal(handshakeRecord, []byte{24, 0}), c.seal(applicationRecord, []byte("x"))...)
	}, 10},
	{"a message of 16 MB", func(c *half) []byte { return c.seal(handshakeRecord, []byte{24, 0xFF, 0xFF, 0xFF}) }, 80},
	{"two messages in one record, keys between", func(c *half) []byte {
		return c.seal(handshakeRecord, append(slices.Clone(newKeys), newKeys...))
	}, 10},
}

func TestBrokenRecords(t *testing.T) {
	r, h := newTLSRig(t)
	for _, c := range brokenRecords {
		p, client, server := r.connectByHand(h)
		p.hand(c.make(client))
		p.hand([]byte("anything"))
		if p.conn.why != reason.BadRequest || p.conn.phase != closing || p.near.shuts == 0 {
			t.Errorf("%s: reason %v, phase %d, %d FINs", c.name, p.conn.why, p.conn.phase, p.near.shuts)
		}
		p.far.SetReadDeadline(time.Now().Add(10 * time.Second))
		raw, err := io.ReadAll(p.far.Conn)
		if got := server.read(raw); err != nil || !slices.Equal(got.alerts, []byte{c.alert}) {
			t.Errorf("%s: alerts %v, %v, want %d", c.name, got.alerts, err, c.alert)
		}
	}
}

// An alert of the peer's ends the conn without one of ours.
func TestAlertFromPeer(t *testing.T) {
	r, h := newTLSRig(t)
	p, client, server := r.connectByHand(h)
	p.hand(client.seal(alertRecord, []byte{2, 42}))
	raw, err := io.ReadAll(p.far.Conn)
	if got := server.read(raw); p.conn.why != reason.BadRequest || err != nil || len(got.alerts) > 0 {
		t.Errorf("reason %v, alerts %v, %v, want %v and none", p.conn.why, got.alerts, err, reason.BadRequest)
	}
}

// close_notify is what FIN is without TLS: what came before it counts, and then the conn is gone.
func TestCloseNotifyFromPeer(t *testing.T) {
	for name, version := range tlsVersions {
		r, h := newTLSRig(t)
		p := r.connectTLS(h, only(version))
		if _, err := io.WriteString(p.tls, "OPTIONS * HTTP/1.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := p.tls.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		p.hand(p.far.wrote)
		if p.conn.phase != closed || !p.near.gone || p.near.reset {
			t.Errorf("TLS %s: phase %d, closed %v, reset %v", name, p.conn.phase, p.near.gone, p.near.reset)
		}
		got, err := io.ReadAll(p.tls)
		if !bytes.HasPrefix(got, []byte("HTTP/1.1 200")) || err != nil {
			t.Errorf("TLS %s: %q, %v", name, got, err)
		}
	}
}

// A viewer that is sent away in the middle gets whole records, in order, then close_notify.
func TestSentAwayWithFullSocket(t *testing.T) {
	for name, version := range tlsVersions {
		r, h := newTLSRig(t)
		f := r.feeder(0, 320)
		f.publish(1)
		plain := r.watch("a", curlAgent)
		p := r.connectTLS(h, only(version))
		p.watch(curlAgent)
		f.publish(200)
		r.look()
		if len(p.wire.shim.unsent()) == 0 {
			t.Fatalf("TLS %s: the socket is not full", name)
		}
		r.loop.mark(p.conn, reason.Stopped)
		r.loop.sweep(r.at)
		got := p.drain(func() {})
		_, body, _ := bytes.Cut(got, []byte("\r\n\r\n"))
		if !bytes.HasPrefix(plain.body(), body) || len(body) < 10_000 {
			t.Errorf("TLS %s: %d bytes are not those of a viewer without TLS", name, len(body))
		}
	}
}

// A viewer that takes something, however slowly, is not cut; one that takes nothing is.
func TestStalledTLSViewer(t *testing.T) {
	r, h := newTLSRig(t)
	f := r.feeder(0, 320)
	f.publish(1)
	p := r.connectTLS(h, nil)
	p.watch(curlAgent)
	f.publish(200)
	stall := time.Duration(config.Default().Timeouts.Stall)
	for range 10 { // each time a few KB of the 64 that are pending
		if _, err := p.far.Conn.Read(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		unix.Poll([]unix.PollFd{{Fd: p.conn.fd, Events: unix.POLLOUT}}, 10_000)
		r.pass(stall / 2)
		r.look()
		if p.conn.why != reason.None {
			t.Fatalf("cut although it reads: %v", p.conn.why)
		}
	}
	for range 3 {
		r.pass(stall)
		r.look()
	}
	if p.conn.why != reason.Stalled || !p.near.reset {
		t.Errorf("reason %v, reset %v, want %v and true", p.conn.why, p.near.reset, reason.Stalled)
	}
}

// Replies that the socket does not take are kept below, and the next ones do not overtake them.
func TestRepliesWithFullSocket(t *testing.T) {
	r, h := newTLSRig(t)
	p := r.connectTLS(h, nil)
	var want []byte
	for i := range 100 {
		b := bytes.Repeat([]byte{byte(i)}, 5000)
		p.wire.write(b)
		want = append(want, b...)
	}
	if p.wire.unsent() == 0 {
		t.Fatal("the socket is not full")
	}
	p.wire.shut()
	if p.near.shuts > 0 {
		t.Error("FIN before everything is sent")
	}
	r.loop.mark(p.conn, reason.Answered)
	r.loop.sweep(r.at)
	if got := p.drain(func() {}); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, or others, want %d", len(got), len(want))
	}
}

// A round allocates nothing for a viewer with TLS either.
func TestTLSRoundAllocations(t *testing.T) {
	r, h := newTLSRig(t)
	f := r.feeder(0, 320)
	f.publish(1)
	p := r.connectTLS(h, nil)
	p.watch(ffmpegAgent)
	segment := make([]byte, 30_000)
	p.readUntil(func(got []byte) bool { return len(got) > 0 && len(p.wire.shim.out) == 0 })
	unix.SetsockoptInt(int(p.conn.fd), unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	taken := 0
	if n := testing.AllocsPerRun(50, func() {
		n, errno := p.wire.offer(segment)
		if errno != 0 {
			t.Error(errno)
		}
		taken += n
	}); n > pooledAllocs {
		t.Errorf("a send allocates %.1f times, want %d", n, pooledAllocs)
	}
	if taken < 50*len(segment) {
		t.Errorf("%d bytes taken", taken)
	}
}
