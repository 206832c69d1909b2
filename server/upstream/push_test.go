package upstream

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func testClient(t *testing.T, o DialerOptions) *Client {
	t.Helper()
	d, err := NewDialer(o)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Dialer: d, Name: "pumpd-0123456789abcdef", Follow: FollowPublic, Log: slog.New(slog.DiscardHandler),
		Stall: func() time.Duration { return 10 * time.Second }}
}

const accepted = "HTTP/1.1 204 No Content\r\nServer: Cougar/9\r\nSet-Cookie: push-id=7\r\nContent-Length: 0\r\n\r\n"

// receiver answers the nth request, from 0, on whichever connection, and tells what it was asked.
func receiver(t *testing.T, answers ...string) (url string, asked func() []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var mu sync.Mutex
	var heads []string
	serve := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			mu.Lock()
			n := len(heads)
			heads = append(heads, fmt.Sprintf("%s %s %s %s", r.URL, r.Header.Get("Content-Type"), r.Header.Get("Cookie"),
				strings.SplitN(r.Header.Get("Authorization"), " ", 2)[0]))
			mu.Unlock()
			if n >= len(answers) {
				return
			}
			io.Copy(io.Discard, r.Body)
			io.WriteString(conn, strings.ReplaceAll(answers[n], "HOST", ln.Addr().String()))
		}
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://u:p@" + ln.Addr().String() + "/x_push", func() []string {
		mu.Lock()
		defer mu.Unlock()
		return heads
	}
}

func TestSetUp(t *testing.T) {
	const setup = "application/x-wms-pushsetup push-id="
	status := func(s string) string { return "HTTP/1.1 " + s + "\r\nContent-Length: 2\r\n\r\nno" }
	for _, tt := range []struct {
		name    string
		answers []string
		asked   []string
		id      string
		err     string
	}{
		{"accepted", []string{accepted}, []string{"/x_push " + setup + "3 "}, "7", ""},
		{"no cookie", []string{"HTTP/1.1 200 OK\r\nServer: Rex/9\r\nContent-Length: 3\r\n\r\nabc"},
			[]string{"/x_push " + setup + "3 "}, "3", ""},
		{"interim answers", []string{"HTTP/1.1 102 Processing\r\n\r\n" + accepted},
			[]string{"/x_push " + setup + "3 "}, "7", ""},
		{"too many interim answers", []string{strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20)},
			[]string{"/x_push " + setup + "3 "}, "", "interim"},
		{"Digest", []string{"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\", qop=\"auth\"\r\n\r\n",
			accepted},
			[]string{"/x_push " + setup + "3 ", "/x_push " + setup + "3 Digest"}, "7", ""},
		{"wrong password", []string{"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
			"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"},
			[]string{"/x_push " + setup + "3 ", "/x_push " + setup + "3 Basic"}, "", "refuses the credentials"},
		{"redirects that encoders follow", []string{"HTTP/1.1 300 Choose\r\nLocation: /a\r\n\r\n",
			"HTTP/1.1 305 There\r\nLocation: http://HOST/b\r\n\r\n", accepted},
			[]string{"/x_push " + setup + "3 ", "/a " + setup + "3 ", "/b " + setup + "3 "}, "7", ""},
		{"not found", []string{status("404 Not Found")}, []string{"/x_push " + setup + "3 "}, "", "404"},
		{"a web server", []string{"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"},
			[]string{"/x_push " + setup + "3 "}, "", "not a server that takes pushes"},
		{"a circle", []string{"HTTP/1.1 204 No\r\nServer: Cougar/9\r\nVia: 1.0 pumpd-0123456789abcdef\r\n\r\n"},
			[]string{"/x_push " + setup + "3 "}, "", "gets its stream from this pump"},
		{"closes behind the answer", []string{strings.Replace(accepted, "Content", "Connection: close\r\nContent", 1)},
			[]string{"/x_push " + setup + "3 "}, "7", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, asked := receiver(t, tt.answers...)
			to, err := Parse(url)
			if err != nil {
				t.Fatal(err)
			}
			push, reply, err := testClient(t, DialerOptions{}).NewPusher(to).SetUp(t.Context(), "3", "1.0 a")
			if push != nil {
				push.Close()
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || reply.ID != tt.id {
				t.Errorf("push-id %q, %v; want %q, %q", reply.ID, err, tt.id, tt.err)
			}
			if got := asked(); strings.Join(got, "\n") != strings.Join(tt.asked, "\n") {
				t.Errorf("asked %q, want %q", got, tt.asked)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	url, _ := receiver(t, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n", "HTTP/1.1 503 Busy\r\nRetry-After: 99999\r\n\r\n",
		"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 27 Nov 2026 10:00:00 GMT\r\n\r\n")
	to, _ := Parse(url)
	p := testClient(t, DialerOptions{}).NewPusher(to)
	for _, want := range []time.Duration{7 * time.Second, longestRetry, 0} {
		_, _, err := p.SetUp(t.Context(), NoPushID, "1.0 a")
		if e := (*StatusError)(nil); !errors.As(err, &e) || e.After != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// What TCP has acknowledged is known while a receiver does not read, after it has broken the connection, and after we
// have; it never is more than the receiver's.
func TestAcknowledged(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far := make(chan net.Conn, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		conn.(*net.TCPConn).SetReadBuffer(8 << 10)
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.Copy(io.Discard, r.Body)
		}
		io.WriteString(conn, accepted)
		far <- conn
	}()
	to, _ := Parse("http://" + ln.Addr().String() + "/x")
	push, _, err := testClient(t, DialerOptions{}).NewPusher(to).SetUp(t.Context(), NoPushID, "1.0 a")
	if err != nil {
		t.Fatal(err)
	}
	defer push.Close()
	conn := <-far
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		push.Write(make([]byte, 64<<20)) // more than all buffers hold
	}()
	still := int64(-1)
	for push.Acknowledged() != still || push.Acknowledged() == push.Written() {
		still = push.Acknowledged()
		time.Sleep(50 * time.Millisecond)
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	<-wrote
	broken := push.Acknowledged()
	push.Abort()
	if after := push.Acknowledged(); after != broken || broken >= push.Written() {
		t.Errorf("acknowledged %d, then %d, written %d", broken, after, push.Written())
	}
}

// A proxy that wants Digest gets it, by CONNECT and by the absolute form, from the second request on; a wrong password
// is an error and no circle.
func TestProxyDigest(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(takePush))
	defer secure.Close()
	proxy := newDigestProxy(t)
	print := sha256.Sum256(secure.Certificate().Raw)
	sum := hex.EncodeToString(print[:])
	for _, url := range []string{"http://127.0.0.1:1", secure.URL} {
		for password, want := range map[string][]string{"right": {"Basic", "Digest", "Digest"},
			"wrong": {"Basic", "Digest", "Basic"}} {
			c := testClient(t, DialerOptions{Proxy: "http://user:" + password + "@" + proxy.addr, ForLocal: true,
				Fingerprints: []string{sum}})
			to, _ := Parse(url + "/x")
			p := c.NewPusher(to)
			proxy.asked = nil
			for range 2 {
				push, reply, err := p.SetUp(t.Context(), NoPushID, "1.0 a")
				if (err == nil) != (password == "right") || err == nil && reply.ID != "7" {
					t.Errorf("%s, %s: push-id %q, %v", url, password, reply.ID, err)
				}
				if err == nil {
					push.Close()
				}
			}
			if got := proxy.schemes(); len(got) < 3 || got[0] != want[0] || got[1] != want[1] {
				t.Errorf("%s, %s: credentials by %q, want %q", url, password, got, want)
			}
		}
	}
}

// takePush answers a setup.
func takePush(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Server", "Cougar/9")
	w.Header().Set("Set-Cookie", "push-id=7")
	w.WriteHeader(204)
}

// A digestProxy wants user's password by Digest without qop, as RFC 2069 has it.
type digestProxy struct {
	addr string
	mu   sync.Mutex
	// under mu
	asked []string
}

func newDigestProxy(t *testing.T) *digestProxy {
	next := newProxy(t)
	p := &digestProxy{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Proxy-Authorization")
		p.mu.Lock()
		p.asked = append(p.asked, strings.SplitN(shown, " ", 2)[0])
		p.mu.Unlock()
		target := r.RequestURI
		sum := func(s string) string { b := md5.Sum([]byte(s)); return hex.EncodeToString(b[:]) }
		want := sum(sum("user:here:right") + ":n0:" + sum(r.Method+":"+target))
		if !strings.Contains(shown, `response="`+want+`"`) {
			w.Header().Set("Proxy-Authenticate", `Digest realm="here", nonce="n0"`)
			w.WriteHeader(407)
			return
		}
		if r.Method != http.MethodConnect {
			takePush(w, r)
			return
		}
		for len(next.asked) > 0 { // it waits where nobody takes what it notes
			<-next.asked
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.addr = s.Listener.Addr().String()
	return p
}

func (p *digestProxy) schemes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Answers that are none, cut at every byte, end in an error and not in a push.
func FuzzPushReply(f *testing.F) {
	f.Add([]byte(accepted))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\n" + accepted + accepted))
	f.Add([]byte("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.0 204 No\r\nTransfer-Encoding: chunked\r\nPragma: push-time=4294967295\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Push{in: newWindow(bytes.NewReader(b), maxReplyHead)}
		for range 100 {
			r, err := c.Reply()
			if err != nil {
				return
			}
			if r.Status < firstFinalReply || r.After < 0 || r.After > longestRetry || r.Accepted() && r.Status > 204 {
				t.Fatalf("%+v", r)
			}
			if !r.Accepted() && r.Err() == nil {
				t.Fatal("a refusal without an error")
			}
		}
	})
}
