package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// freePort is an address that nothing listens on. It is none of those that the kernel deals out: until it is used
// somebody else on this machine would get it, who asks for any port or connects to somewhere.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	const from = 10_000
	first := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(text), &first)
	}
	var err error
	for range 100 {
		var b booking
		if b, err = bookOne(fmt.Sprintf("127.0.0.1:%d", from+rand.IntN(max(first-from, 1)))); err == nil {
			unbook([]booking{b})
			return b.at
		}
	}
	t.Fatal(err)
	return netip.AddrPort{}
}

// wantListeners wants so many sockets that listen on an IPv4 address.
func wantListeners(at netip.AddrPort, want int) error {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return err
	}
	a := at.Addr().As4()
	const listens = "0A"
	line := fmt.Sprintf("%02X%02X%02X%02X:%04X 00000000:0000 %s ", a[3], a[2], a[1], a[0], at.Port(), listens)
	if n := strings.Count(string(table), line); n != want {
		return fmt.Errorf("%d sockets listen on %v, want %d", n, at, want)
	}
	return nil
}

// share does what each of gnet's event loops does with an address.
func share(at netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	err = errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}), unix.Listen(fd, 8))
	if err != nil {
		unix.Close(fd)
	}
	return fd, err
}

// A booked address is nobody else's, before gnet listens and after, and gnet's all the time.
func TestBooking(t *testing.T) {
	b, err := bookOne("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("listen tcp %s: bind: address already in use", b.at)
	refused := func(when string) {
		t.Helper()
		for _, a := range []string{b.at.String(), fmt.Sprintf(":%d", b.at.Port())} {
			all, err := bookAddress(a)
			unbook(all)
			if !errors.Is(err, unix.EADDRINUSE) || a == b.at.String() && err.Error() != want {
				t.Errorf("%s, %s is booked by another: %v", when, a, err)
			}
		}
		if l, err := net.Listen("tcp", b.at.String()); err == nil {
			t.Errorf("%s, another listens", when)
			l.Close()
		}
	}
	refused("while it is booked")
	for range 2 {
		fd, err := share(b.at)
		if err != nil {
			t.Fatalf("gnet is refused: %v", err)
		}
		defer unix.Close(fd)
	}
	refused("while gnet listens too")
	unbook([]booking{b})
	refused("while gnet listens alone")
}

// Connections of a process before us are no hindrance, and the booking is none the weaker.
func TestBookingAfterOthers(t *testing.T) {
	at := freePort(t)
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	far := dial(t, at)
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near.Close() // first, so this end is in TIME_WAIT
	io.Copy(io.Discard, far)
	far.Close()
	l.Close()
	b, err := bookOne(at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer unbook([]booking{b})
	if again, err := bookOne(at.String()); err == nil {
		t.Error("it is booked twice")
		unbook([]booking{again})
	}
	for range 2 {
		fd, err := share(at)
		if err != nil {
			t.Fatalf("gnet is refused: %v", err)
		}
		defer unix.Close(fd)
	}
}

func TestBookedAddresses(t *testing.T) {
	for _, tt := range []struct{ given, at, name string }{
		{"127.0.0.1:0", "127.0.0.1", "tcp://127.0.0.1:"},
		{"localhost:0", "127.0.0.1", "tcp://127.0.0.1:"},
		{"[::1]:0", "::1", "tcp://[::1]:"},
		{":0", "::", "tcp://:"},
		{"[::]:0", "::", "tcp://:"},
		{"0.0.0.0:0", "::", "tcp://:"}, // as package net has it
	} {
		all, err := bookAddress(tt.given)
		if err != nil {
			if strings.Contains(tt.at, ":") {
				t.Logf("SKIPPED %s: no IPv6 on this machine: %v", tt.given, err)
				continue
			}
			t.Fatal(err)
		}
		b := all[0]
		if b.at.Addr().String() != tt.at || b.at.Port() == 0 || b.name != fmt.Sprintf("%s%d", tt.name, b.at.Port()) {
			t.Errorf("%s: %v for us, %q for gnet", tt.given, b.at, b.name)
		}
		unbook(all)
	}
	for _, wrong := range []string{"192.0.2.1:0", "no-such-host.invalid:1"} {
		if all, err := bookAddress(wrong); err == nil {
			t.Errorf("%s is booked", wrong)
			unbook(all)
		}
	}
}

// A second server on an address is refused, and the first goes on; the error says which key is at fault.
func TestSecondServerIsRefused(t *testing.T) {
	at, _ := startServer(t, nil)
	left := countDescriptors(t)
	for _, tls := range []bool{false, true} {
		cfg := config.Default()
		cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0", at.String()}, ""
		key := "server.listen[1]"
		if tls {
			cfg.Server.Listen, cfg.TLS.Listen, key = []string{"127.0.0.1:0"}, []string{at.String()}, "tls.listen[0]"
			cfg.TLS.Certificates = []config.Certificate{writeCertificate(t, t.TempDir(), "pump", "localhost")}
		}
		s, err := New(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Run(t.Context())
		want := fmt.Sprintf("%s: listen tcp %s: bind: address already in use", key, at)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	left()
	c := dial(t, at)
	fmt.Fprint(c, "OPTIONS * HTTP/1.0\r\nUser-Agent: NSPlayer/12.0\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
		t.Errorf("the first server: %q, %v", line, err)
	}
}

// What New had opened is closed again when it fails, and there is no server.
func TestNewFailsWithoutLeaving(t *testing.T) {
	cfg := config.Default()
	cfg.TLS.Listen = []string{"127.0.0.1:0"}
	cfg.TLS.Certificates = []config.Certificate{{Cert: "nothing.crt", Key: "nothing.key"}}
	left := countDescriptors(t)
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if s != nil || err == nil {
		t.Errorf("a server: %v, %v", s != nil, err)
	}
	left()
}

// countDescriptors counts the process's; left wants as many again, or fewer: some may still be about to be closed.
func countDescriptors(t *testing.T) (left func()) {
	before := openDescriptors()
	return func() {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			n := openDescriptors() - before
			if n <= 0 {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d descriptors more than before", n)
			}
		}
	}
}

// A server may listen for TLS alone: gnet has no listeners then.
func TestTLSAlone(t *testing.T) {
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin, cfg.Server.Loops = nil, "", 2
	cfg.TLS.Listen = []string{"127.0.0.1:0"}
	cfg.TLS.Certificates = []config.Certificate{writeCertificate(t, t.TempDir(), "pump", "localhost")}
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	await(t, s.Ready(), "the server")
	ts := &tlsServer{Server: s, t: t, tls: s.TLSAddrs()[0]}
	source := ts.push()
	c, _ := ts.dialTLS(0)
	body := watchOn(t, c, ffmpegAgent)
	source.Write(codec.AppendReason(nil, 'E', 0))
	if _, err := io.ReadAll(body); err != nil {
		t.Error(err)
	}
	stop()
	if err := await(t, ended, "the end"); err != nil {
		t.Error(err)
	}
}

// A gnet that ends though nobody has asked for it ends the server with an error, quickly.
func TestEngineThatStops(t *testing.T) {
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	await(t, s.Ready(), "the server")
	pushTo(t, s.Addrs()[0])
	watchFrom(t, s.Addrs()[0])
	s.reactor.log.Errorf("a test wants it so")
	at, cancel := context.WithCancel(context.Background())
	cancel()
	s.reactor.engine.Stop(at)
	if err := await(t, ended, "the end"); err == nil || err.Error() != "gnet has stopped: a test wants it so" {
		t.Errorf("Run: %v", err)
	}
}

// Whoever comes while the server stops is told so, and is not waited for.
func TestNewcomerWhileStopping(t *testing.T) {
	s := startTLSServer(t, nil)
	s.reactor.stopping.Store(true)
	if got, err := io.ReadAll(dial(t, s.plain)); string(got) != string(fullReply) || err != nil {
		t.Errorf("%q, %v, want %q", got, err, fullReply)
	}
	if n := s.gate.inside.Load(); n != 0 {
		t.Errorf("%d inside", n)
	}
}

// The answer reaches a client that has already asked: no reset comes after it.
func TestTurnAwayOneThatHasAsked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far := dial(t, l.Addr().(*net.TCPAddr).AddrPort())
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	fd := descriptor(t, near)
	io.WriteString(far, "GET /streams/a HTTP/1.0\r\n\r\n")
	waitFD(t, fd, unix.POLLIN)
	turnAway(fd, fullReply)
	unix.Close(fd)
	if got, err := io.ReadAll(far); string(got) != string(fullReply) || err != nil {
		t.Errorf("%q, %v, want %q", got, err, fullReply)
	}
}

// Every accepted socket has its options, whichever loop has accepted it, and also those with TLS.
func TestSocketOptions(t *testing.T) {
	s := startTLSServer(t, nil)
	for range 30 {
		dial(t, s.plain)
	}
	for range 3 {
		s.dialTLS(0)
	}
	s.until("all are inside", func() bool { return s.gate.inside.Load() == 33 })
	type result struct {
		conns int
		errs  []error
	}
	seen := 0
	for _, e := range s.reactor.loops {
		if e.runs.Load() == nil {
			continue
		}
		results := make(chan result)
		e.loop.tell(func(clock.Instant) {
			var r result
			for _, c := range e.loop.conns {
				if c == nil {
					continue
				}
				r.conns++
				for _, o := range socketOptions {
					if v, err := unix.GetsockoptInt(int(c.fd), o.level, o.opt); v != o.value || err != nil {
						r.errs = append(r.errs, fmt.Errorf("%s: %d, %w, want %d", o.name, v, err, o.value))
					}
				}
			}
			results <- r
		})
		r := await(t, results, "a loop")
		seen += r.conns
		if err := errors.Join(r.errs...); err != nil {
			t.Errorf("loop %d: %v", e.loop.id, err)
		}
	}
	if seen < 30 { // those with TLS may be on their way
		t.Errorf("%d connections seen, want at least 30", seen)
	}
}
