package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
)

// A tlsServer is a whole server with a plain listener and one with TLS, and one push stream.
type tlsServer struct {
	*Server
	t          *testing.T
	plain, tls netip.AddrPort
	stop       func() error
}

func startTLSServer(t *testing.T, change func(*Server)) *tlsServer {
	t.Helper()
	return startTLSServerThatLogs(t, slog.New(slog.DiscardHandler), change)
}

func startTLSServerThatLogs(t *testing.T, log *slog.Logger, change func(*Server)) *tlsServer {
	t.Helper()
	return serveTLS(t, tlsConfig(t), log, change)
}

// handshakeTime is what peers have for a handshake where that is to be as the default has it.
var handshakeTime = time.Duration(config.Default().Timeouts.Handshake)

// tlsConfig has a certificate for localhost, and a stream a. Peers have as much time for their handshakes as a busy
// machine may take.
func tlsConfig(t *testing.T) *config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Server.MaxLag, cfg.Server.Loops = config.Duration(time.Minute), 3
	cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	cfg.Server.Merge = config.Merge{Interval: config.Duration(5 * time.Millisecond)}
	cfg.TLS.Listen = []string{"127.0.0.1:0"}
	cfg.Timeouts.Handshake = config.Duration(time.Minute)
	cfg.TLS.Certificates = []config.Certificate{writeCertificate(t, t.TempDir(), "pump", "localhost")}
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	return cfg
}

// serveTLS starts a server; change is made to it before it runs.
func serveTLS(t *testing.T, cfg *config.Config, log *slog.Logger, change func(*Server)) *tlsServer {
	t.Helper()
	s, err := New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	stop := func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { stop() })
	return &tlsServer{Server: s, t: t, plain: s.Addrs()[0], tls: s.TLSAddrs()[0], stop: stop}
}

// A pieceConn writes in pieces of at most 1,000 bytes, each a segment of its own.
type pieceConn struct {
	net.Conn
	dice *rand.Rand
}

func (p *pieceConn) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = p.Conn.Write(b[n:min(len(b), n+1+p.dice.IntN(1000))])
		n += k
	}
	return n, err
}

// dialTLS connects as version has it; 0 is the best. The far end of it is what the network sees.
func (s *tlsServer) dialTLS(version uint16) (*tls.Conn, *farEnd) {
	s.t.Helper()
	raw := &farEnd{Conn: &pieceConn{dial(s.t, s.tls), rand.New(rand.NewPCG(1, 2))}}
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	if err := c.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return c, raw
}

// push begins a push over TLS and waits until the stream is up.
func (s *tlsServer) push() *tls.Conn {
	s.t.Helper()
	c, _ := s.dialTLS(0)
	fmt.Fprintf(c, "POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", startType, endless)
	c.Write(codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320)))
	c.Write(codec.AppendFrame(nil, 'D', asftest.Packet(0, 0, true, asftest.PacketSize, 500)))
	s.until("the stream is up", func() bool { return s.reg.Streams()[0].Up() != nil })
	return c
}

// until waits for what nobody tells.
func (s *tlsServer) until(what string, is func() bool) {
	s.t.Helper()
	// Whoever only yields in between takes a whole processor from what it waits for.
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not so: %s", what)
		}
	}
}

// watch asks for the stream and reads the reply's head.
func watchOn(t *testing.T, c net.Conn, agent string) (body io.Reader) {
	t.Helper()
	fmt.Fprintf(c, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", agent)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	return res.Body
}

// What is pushed over TLS is watched over TLS and without it, in both dialects, and is the same.
func TestTLSOverTheNetwork(t *testing.T) {
	t.Parallel()
	s := startTLSServer(t, nil)
	source := s.push()
	type seer struct {
		name string
		raw  bool
		body io.Reader
	}
	var seers []seer
	for _, agent := range []string{ffmpegAgent, curlAgent} {
		raw := agent == curlAgent
		seers = append(seers, seer{"plain", raw, watchOn(t, dial(t, s.plain), agent)})
		for name, version := range tlsVersions {
			c, _ := s.dialTLS(version)
			seers = append(seers, seer{"TLS " + name, raw, watchOn(t, c, agent)})
		}
	}
	for i := range uint32(300) {
		source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(i+1, i*10+40, false, asftest.PacketSize, 500)))
	}
	source.Write(codec.AppendReason(nil, 'E', 0))
	want := map[bool][]byte{}
	r := &rig{t: t}
	for _, v := range seers {
		got, err := io.ReadAll(v.body)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if want[v.raw] == nil { // the plain one
			want[v.raw] = got
		}
		if !bytes.Equal(got, want[v.raw]) {
			t.Errorf("%s: %d bytes, other than the %d without TLS", v.name, len(got), len(want[v.raw]))
		}
	}
	if n := len(want[true]) / asftest.PacketSize; n != 301 {
		t.Errorf("%d raw packets, want 301", n)
	}
	if got := r.read(want[false]); len(got.numbers) != 301 || got.ended != 0 {
		t.Errorf("%d packets, $E %d, want 301, 0", len(got.numbers), got.ended)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// A viewer that reads more slowly than the source sends gets everything all the same.
func TestSlowTLSViewerOverTheNetwork(t *testing.T) {
	cfg := tlsConfig(t)
	cfg.Timeouts.Stall = config.Duration(2 * time.Minute) // it reads nothing until all is sent
	s := serveTLS(t, cfg, slog.New(slog.DiscardHandler), nil)
	source := s.push()
	raw, err := (&net.Dialer{Control: small}).Dial("tcp", s.tls.String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(2 * time.Minute))
	body := watchOn(t, tls.Client(raw, &tls.Config{InsecureSkipVerify: true}), ffmpegAgent)
	const packets = 8000 // far more than the kernel holds
	for i := range uint32(packets) {
		packet := asftest.Packet(i+1, i+40, false, asftest.PacketSize, 900)
		if _, err := source.Write(codec.AppendFrame(nil, 'D', packet)); err != nil {
			t.Fatal(err)
		}
	}
	source.Write(codec.AppendReason(nil, 'E', 0))
	s.until("all packets are in", func() bool { return s.reg.Streams()[0].Up() == nil })
	b, err := io.ReadAll(body)
	got := (&rig{t: t}).read(b)
	if err != nil || len(got.numbers) != packets+1 || got.ended != 0 {
		t.Errorf("%d packets, $E %d, %v, want %d, 0", len(got.numbers), got.ended, err, packets+1)
	}
}

// When the server stops, viewers get the end of the stream and TLS's, and encoders a status.
func TestTLSStopTellsEverybody(t *testing.T) {
	for name, version := range tlsVersions {
		s := startTLSServer(t, nil)
		source := s.push()
		c, raw := s.dialTLS(version)
		body := watchOn(t, c, ffmpegAgent)
		raw.keep = true
		go s.stop()
		b, err := io.ReadAll(body)
		if got := (&rig{t: t}).read(b); err != nil || got.ended != 0 {
			t.Errorf("TLS %s: $E %d, %v, want 0 and the end", name, got.ended, err)
		}
		p := tlsPeer{far: raw}
		if kind, size := p.lastRecord(); !isCloseNotify(version, kind, size) {
			t.Errorf("TLS %s: the last record has type %d and %d bytes, want close_notify", name, kind, size)
		}
		answer, err := io.ReadAll(source)
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 503")) || err != nil {
			t.Errorf("TLS %s: encoder: %q, %v, want 503 and the end", name, answer, err)
		}
	}
}

// badBeginnings come in place of a handshake.
var badBeginnings = []struct {
	name, say string
	answer    string // how it begins
}{
	{"nothing", "", ""},
	{"a byte", "\x16", ""},
	{"HTTP", "GET /streams/a HTTP/1.0\r\n\r\n", "HTTP/1.0 400 Bad Request\r\n"},
	{"encoder's HTTP", "POST /streams/a_push HTTP/1.1\r\n\r\n", "HTTP/1.0 400 Bad Request\r\n"},
	{"MMS over TCP", string(mmst) + strings.Repeat("x", 100), ""},
	{"garbage", strings.Repeat("\xAA\x55", 300), ""},
	{"SSL 2", "\x80\x2E\x01\x00\x02" + strings.Repeat("\x00", 60), "\x15\x03"},
	{"an alert", "\x15\x03\x01\x00\x02\x02\x28", ""},
	{"data", "\x17\x03\x03\x00\x02ab", ""},
	{"a record that is too long", "\x16\x03\x01\xFF\xFF" + strings.Repeat("x", 100), "\x15\x03"},
	{"half a ClientHello", "\x16\x03\x01\x00\x80\x01\x00\x00\x7C\x03\x03", ""},
	{"a ClientHello of 16 MB", "\x16\x03\x01\x00\x04\x01\xFF\xFF\xFF", "\x15\x03"},
	{"a ClientHello that means nothing", "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", "\x15\x03"},
}

// What is no handshake leaves no connection behind, whether the other side goes or stays and says no more.
func TestBadBeginnings(t *testing.T) {
	t.Parallel()
	for _, stays := range []bool{true, false} {
		s := startTLSServer(t, nil)
		for _, c := range badBeginnings {
			long := time.Minute
			if stays && c.answer == "" { // nothing but the time ends it
				long = 300 * time.Millisecond
			}
			s.handshakes.timeout.Store(int64(long))
			conn := dial(t, s.tls).(*net.TCPConn)
			io.WriteString(conn, c.say)
			if !stays {
				conn.CloseWrite()
			}
			got, err := io.ReadAll(conn)
			if !stays && strings.HasPrefix(c.say, "\x16") && len(got) == 0 {
				c.answer = "" // nobody is there for it
			}
			if reset := err != nil; reset && c.answer != "" || !bytes.HasPrefix(got, []byte(c.answer)) ||
				c.answer == "" && len(got) > 0 {
				t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.answer)
			}
			s.until("the gate is empty", func() bool { return s.gate.inside.Load() == 0 })
		}
	}
}

// All that a client has to say, with the end of the handshake: it is answered, and gone, before gnet has finished
// opening it.
func TestAllInTheLastFlight(t *testing.T) {
	s := startTLSServer(t, nil)
	for range 20 {
		late := &delaying{Conn: dial(t, s.tls)}
		c := tls.Client(late, &tls.Config{InsecureSkipVerify: true})
		io.WriteString(c, "OPTIONS * HTTP/1.0\r\n\r\n")
		err := c.CloseWrite()
		late.SetWriteDeadline(time.Time{}) // CloseWrite has let it pass
		if err := errors.Join(err, late.flush()); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); !bytes.HasPrefix(got, []byte("HTTP/1.0 200")) || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	s.until("the gate is empty", func() bool { return s.gate.inside.Load() == 0 })
}

func TestHandshakeTerms(t *testing.T) {
	s := startTLSServer(t, nil)
	for _, c := range []struct {
		name string
		cfg  *tls.Config
		ok   bool
	}{
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}, false},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"HTTP/1.1", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, true},
		{"HTTP/1.0", &tls.Config{NextProtos: []string{"http/1.0"}}, true},
		{"HTTP/2 alone", &tls.Config{NextProtos: []string{"h2"}}, false},
	} {
		c.cfg.InsecureSkipVerify = true
		if err := tls.Client(dial(t, s.tls), c.cfg).Handshake(); (err == nil) != c.ok {
			t.Errorf("%s: %v, want it to work: %v", c.name, err, c.ok)
		}
	}
}

func TestSessionIsResumed(t *testing.T) {
	s := startTLSServer(t, nil)
	for name, version := range tlsVersions {
		cfg := &tls.Config{InsecureSkipVerify: true, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		for i, want := range []bool{false, true} {
			c := tls.Client(dial(t, s.tls), cfg)
			io.WriteString(c, "OPTIONS * HTTP/1.0\r\n\r\n")
			if got, err := io.ReadAll(c); !bytes.HasPrefix(got, []byte("HTTP/1.0 200")) || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			if c.ConnectionState().DidResume != want {
				t.Errorf("TLS %s, handshake %d: resumed: %v, want %v", name, i+1, !want, want)
			}
		}
	}
}

// Stopping does not wait for handshakes.
func TestStopDuringHandshake(t *testing.T) {
	s := startTLSServer(t, func(s *Server) { s.handshakes.timeout.Store(int64(time.Hour)) })
	first, second := dial(t, s.tls), dial(t, s.tls)
	clientHello(t, second)
	h := s.handshakes
	s.until("one has said nothing, one does not go on",
		func() bool { return h.greeting.size() == 1 && h.answering.size() == 1 })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, c := range []net.Conn{first, second} {
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("not closed: %v", err)
		}
	}
	s.until("nobody is inside", func() bool { return s.gate.inside.Load() == 0 }) // what is late may be so after the end
}

// A full server refuses those with TLS without a word that they could take for TLS.
func TestFullGateRefusesTLS(t *testing.T) {
	t.Parallel()
	s := startTLSServer(t, func(s *Server) { s.gate.most.Store(1) })
	s.push()
	watchFrom(t, s.plain) // who only connects makes room after a second
	got, err := io.ReadAll(dial(t, s.tls))
	if len(got) > 0 || err != nil {
		t.Errorf("%q, %v, want the end", got, err)
	}
}

// Viewers that hang up without close_notify, in the middle of anything, are gone.
func TestTLSViewersThatHangUp(t *testing.T) {
	s := startTLSServer(t, nil)
	source := s.push()
	for i := range 20 {
		c, _ := s.dialTLS(0)
		if i%2 == 0 {
			watchOn(t, c, ffmpegAgent)
		}
		tcp := c.NetConn().(*farEnd).Conn.(*pieceConn).Conn.(*net.TCPConn)
		if i%3 == 0 {
			tcp.SetLinger(0)
		}
		tcp.Close()
	}
	number := uint32(0)
	s.until("only the encoder is inside", func() bool {
		number++
		source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(number, number, false, asftest.PacketSize, 500)))
		return s.gate.inside.Load() == 1
	})
}
