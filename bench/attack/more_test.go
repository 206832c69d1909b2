package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/codec"
)

// Nonsense is what it says, and comes again.
func TestNonsense(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		starts string
		least  int
	}{
		{absent, "GET /streams/bench-absent", 25}, {heads, "GET /", 300 << 10},
		{chunks, "POST /streams/bench HTTP/1.1\r\n", 30},
		{garbage, "", 4 << 10}, {http2, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 17000},
	} {
		told := make(chan string, 2)
		stop := launch(t, c.kind, victimAt(serve(t, func(conn net.Conn) {
			said, _ := heard(conn, c.least)
			tell(told, string(said))
			io.WriteString(conn, "HTTP/1.0 400 Bad Request\r\n\r\n")
		}), 0.01))
		said := next(t, told)
		next(t, told)
		deeds := stop()
		if !strings.HasPrefix(said, c.starts) || len(said) < c.least {
			t.Errorf("%s: %d bytes, %.40q", c.kind.Name, len(said), said)
		}
		if deeds.Requests < 2 {
			t.Errorf("%s: %+v", c.kind.Name, deeds)
		}
	}
}

// Those who hold a place send a byte now and then, nothing, or a request, and stay.
func TestHold(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		says string
	}{{slowloris, "G"}, {idle, ""}, {unread, "GET /streams/bench HTTP/1.0\r\n"}} {
		told := make(chan string, 1)
		stop := launch(t, c.kind, victimAt(serve(t, func(conn net.Conn) {
			if said, ended := heard(conn, len(c.says)); !ended {
				tell(told, string(said))
			}
		}), 0.0001))
		said := next(t, told)
		stop()
		if !strings.HasPrefix(said, c.says) || len(c.says) < 2 && said != c.says {
			t.Errorf("%s: %q", c.kind.Name, said)
		}
	}
}

func TestConnects(t *testing.T) {
	told := make(chan error, 1)
	stop := launch(t, connects, victimAt(serve(t, func(conn net.Conn) {
		_, err := conn.Read(make([]byte, 1))
		tell(told, err)
	}), 0.01))
	err := next(t, told)
	stop()
	if !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

// A handshake that fails is tried again.
func TestTLSFlood(t *testing.T) {
	told := make(chan error, 2)
	stop := launch(t, tlsFlood, victimAt(serve(t, func(conn net.Conn) {
		tell(told, tls.Server(conn, &tls.Config{GetCertificate: nil}).Handshake())
	}), 0.01))
	next(t, told)
	if err := next(t, told); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	stop()
	if err := tlsFlood.Run(t.Context(), Victim{Plain: "127.0.0.1:1", Scale: 1}, &Log{}); !errors.Is(err, errNoTLS) {
		t.Errorf("without TLS: %v", err)
	}
}

// Each Describe by HEAD is answered by a head alone.
func TestSessions(t *testing.T) {
	told := make(chan *http.Request, 40)
	stop := launch(t, sessions, victimAt(serve(t, func(conn net.Conn) {
		for r := bufio.NewReader(conn); ; {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			tell(told, request)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		}
	}), 0.01))
	for range 30 {
		if r := next(t, told); r.Method != http.MethodHead {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}
	stop()
}

// An encoder that is let in starts its push and goes on with damage; one that is not goes.
func TestBadPush(t *testing.T) {
	told := make(chan string, 10)
	stop := launch(t, badPush, victimAt(serve(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		setup, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, setup.Body)
		if setup.URL.Path == "/streams/bench_push" {
			io.WriteString(conn, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\nSet-Cookie: push-id=7; path=/\r\n\r\n")
		start, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if n, _ := io.CopyN(io.Discard, start.Body, 1<<20); n == 1<<20 {
			tell(told, start.Header.Get("Content-Type")+" "+start.Header.Get("Cookie"))
		}
	}), 0.05))
	if got, want := next(t, told), "application/x-wms-pushstart push-id=7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stop()
}

// Each answer is something else, and none is a stream.
func TestBadUpstream(t *testing.T) {
	addr := freeAddress(t)
	stop := launch(t, badUpstream, Victim{Upstream: addr, Scale: 1})
	seen := map[string]bool{}
	for late := time.Now().Add(testTimeout); len(seen) < 4 && time.Now().Before(late); {
		conn, err := net.Dial("tcp4", addr)
		if err != nil {
			continue // it is not there yet
		}
		conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)) // some drip
		fmt.Fprintf(conn, "GET /0 HTTP/1.0\r\nPragma: xPlayStrm=1\r\n\r\n")
		line, _ := io.ReadAll(io.LimitReader(conn, 120))
		conn.Close()
		seen[string(line)] = true
	}
	if deeds := stop(); len(seen) < 4 || deeds.Requests < 4 {
		t.Errorf("%d answers, deeds %+v", len(seen), deeds)
	}
}

// What looks like a stream is one that changes: each header is announced, and its packets are framed as they should be.
func TestChangeEachSecond(t *testing.T) {
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- question{ctx: ctx, conn: theirs, play: true}.changeEachSecond() }()
	r := bufio.NewReader(ours)
	if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	seen := map[byte]int{}
	for b := make([]byte, 4); seen['H'] < 2 || seen['D'] < 2; {
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
		f, _, err := codec.ParseFrame(append(b, make([]byte, int(b[2])|int(b[3])<<8)...))
		if err != nil {
			t.Fatal(err)
		}
		seen[f.Type]++
		if _, err := r.Discard(len(f.Body)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	ours.Close()
	if <-over; seen['C'] != seen['H']-1 {
		t.Errorf("frames %v", seen)
	}
}

// freeAddress is one on loopback where nobody listens. Its host is not 127.0.0.1: a connection of another program could
// have the port next.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.99.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
