package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/logging/logtest"
)

// startServer runs a whole server on a port of its own with one push stream, and ends it with the test.
func startServer(t *testing.T, change func(*config.Config)) (at netip.AddrPort, stop func() error) {
	t.Helper()
	return startServerLog(t, slog.New(slog.DiscardHandler), change)
}

// startServerLog is startServer with a log of the test's.
func startServerLog(t *testing.T, log *slog.Logger, change func(*config.Config)) (at netip.AddrPort,
	stop func() error) {
	t.Helper()
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	cfg.Server.Merge = config.Merge{Interval: config.Duration(5 * time.Millisecond)}
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	if change != nil {
		change(cfg)
	}
	s, err := New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { stop() })
	return s.Addrs()[0], stop
}

// dial connects for a minute, in which all of a test that goes on is over, however busy the machine is.
func dial(t *testing.T, at netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { c.Close() })
	return c
}

// pushTo begins a push over the network and waits until the stream is up.
func pushTo(t *testing.T, at netip.AddrPort) net.Conn {
	t.Helper()
	c := dial(t, at)
	fmt.Fprintf(c, "POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", startType, endless)
	c.Write(codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320)))
	c.Write(codec.AppendFrame(nil, 'D', asftest.Packet(0, 0, true, asftest.PacketSize, 500)))
	for {
		v := dial(t, at)
		fmt.Fprint(v, "HEAD /streams/a HTTP/1.0\r\nUser-Agent: x\r\n\r\n")
		line, err := bufio.NewReader(v).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
		if strings.Contains(line, "200") {
			return c
		}
	}
}

func watchFrom(t *testing.T, at netip.AddrPort) (body io.Reader) {
	t.Helper()
	v := dial(t, at)
	fmt.Fprintf(v, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", ffmpegAgent)
	res, err := http.ReadResponse(bufio.NewReader(v), nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	return res.Body
}

func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	at, stop := startServer(t, nil)
	source := pushTo(t, at)
	var bodies []io.Reader
	for range 20 {
		bodies = append(bodies, watchFrom(t, at))
	}
	for i := range uint32(50) {
		source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(i+1, i*40+40, false, asftest.PacketSize, 500)))
	}
	source.Write(codec.AppendReason(nil, 'E', 0))
	r := &rig{t: t}
	for _, body := range bodies {
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.read(b); got.headers != 1 || len(got.numbers) != 51 || got.ended != 0 {
			t.Errorf("%d headers, %d packets, $E %d, want 1, 51, 0", got.headers, len(got.numbers), got.ended)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestStopTellsEverybody(t *testing.T) {
	at, stop := startServer(t, nil)
	source := pushTo(t, at)
	body := watchFrom(t, at)
	go stop()
	b, err := io.ReadAll(body)
	if got := (&rig{t: t}).read(b); err != nil || got.ended != 0 {
		t.Errorf("$E %d, %v, want 0 and FIN", got.ended, err)
	}
	answer, err := io.ReadAll(source)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 503")) || err != nil {
		t.Errorf("encoder: %q, %v, want 503 and FIN", answer, err)
	}
}

func TestBothFamilies(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("SKIPPED: no IPv6 on this machine: %v", err)
	} else {
		l.Close()
	}
	at, _ := startServer(t, func(c *config.Config) { c.Server.Listen = []string{":0"} })
	for _, host := range []string{"127.0.0.1", "::1"} {
		c := dial(t, netip.AddrPortFrom(netip.MustParseAddr(host), at.Port()))
		fmt.Fprint(c, "OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
			t.Errorf("%s: %q, %v", host, line, err)
		}
	}
}

// More connections than descriptors: those inside are served on, the others are refused, and nothing breaks. The server
// is a child process, so that the test has descriptors to spare.
func TestConnectionFlood(t *testing.T) {
	const limit, flood = 200, 600
	if os.Getenv("PUMPD_FLOOD") != "" {
		serveFlood(t, limit)
		return
	}
	at, _, _ := floodedServer(t)
	pushTo(t, at)
	body := watchFrom(t, at)
	answers := make(chan string, flood)
	for range flood {
		c := dial(t, at)
		go func() {
			line, _ := bufio.NewReader(c).ReadString('\n')
			answers <- line
		}()
	}
	for range flood - limit { // they say nothing, so the last of them are told when their time in reserve is over
		if line := await(t, answers, "another answer"); !strings.Contains(line, "503") {
			t.Fatalf("%q, want 503", line)
		}
	}
	if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
		t.Errorf("the viewer inside: %v", err)
	}
}

// floodedServer starts this test again as a server with few descriptors; output ends it and gives what it logged.
func floodedServer(t *testing.T) (at, tlsAt netip.AddrPort, output func() string) {
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PUMPD_FLOOD=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	output = sync.OnceValue(func() string {
		in.Close()
		rest, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server under the flood: %v", err)
		}
		return string(rest)
	})
	t.Cleanup(func() { output() })
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	plain, encrypted, _ := strings.Cut(strings.TrimSpace(line), " ")
	return netip.MustParseAddrPort(plain), netip.MustParseAddrPort(encrypted), output
}

// serveFlood is the child: it serves until its input is closed. Then it writes what it had to log.
func serveFlood(t *testing.T, limit uint64) {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	log := &logtest.Book{}
	s := startTLSServerThatLogs(t, slog.New(log), func(s *Server) { s.handshakes.timeout.Store(int64(handshakeTime)) })
	fmt.Println(s.plain, s.tls)
	io.Copy(io.Discard, os.Stdin)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	fmt.Println(log.Text())
}
