package admin

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/admission"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// An rig is an admin of a pump that there is not: its streams, its clock and its listeners are the test's.
type rig struct {
	*Admin
	t       *testing.T
	at      clock.Instant
	listen  []netip.AddrPort
	there   Counters
	hung    []Stuck
	ledger  *admission.Ledger
	reload  Reload
	ready   chan struct{}
	bans    bans.List
	level   slog.LevelVar
	people  []Viewer // who watch
	asked   []any    // queries, kicks and bans
	drained int
	handed  bool   // another process has taken over
	refusal error  // of a reload
	halt    func() // the pump begins to stop
	drain   func() // or to drain
}

func newRig(t *testing.T, streams ...config.Stream) *rig {
	return newRigOf(t, nil, streams...)
}

// newRigOf has a configuration that change, if given, has changed.
func newRigOf(t *testing.T, change func(*config.Config), streams ...config.Stream) *rig {
	cfg := config.Default()
	cfg.Streams = streams
	if change != nil {
		change(cfg)
	}
	stopping, draining := make(chan struct{}), make(chan struct{})
	r := &rig{
		t: t, at: 1, reload: Reload{OK: true}, there: Counters{Limit: 100}, ledger: admission.New(),
		ready: make(chan struct{}), halt: func() { close(stopping) }, drain: func() { close(draining) },
	}
	c := clock.Clock{Now: func() clock.Instant { return r.at }}
	log := slog.New(slog.DiscardHandler)
	var all []*stream.Stream
	for i := range cfg.Streams {
		all = append(all, stream.New(i, &cfg.Streams[i], log, c, &cfg.Server, func(int, clock.Instant) {}))
	}
	r.Admin = prepare(&Subject{
		Version:   "v1.2.3",
		Config:    func() *config.Server { return &cfg.Server },
		Streams:   stream.NewRegistry(c, time.Duration(cfg.Timeouts.SourceGrace), all),
		Clock:     c,
		Log:       log,
		MaxConns:  MaxConns,
		Ready:     r.ready,
		Draining:  draining,
		Stopping:  stopping,
		TLS:       func() *tls.Config { return nil },
		Listeners: func() []netip.AddrPort { return r.listen },
		Counters:  func() Counters { return r.there },
		Room:      r.ledger.View,
		Stuck:     func() []Stuck { return r.hung },
		Reload:    func() Reload { return r.reload },
		Viewers:   r.viewersNow,
		Kick:      r.kickNow,
		Ban:       r.banNow,
		Bans:      &r.bans,
		Apply:     func(context.Context) (*view.Report, error) { return &view.Report{Added: []string{"b"}}, r.refusal },
		Hold:      r.hold,
		Drain:     func() time.Duration { r.drained++; return 10 * time.Second },
		Level:     &r.level,
		Preview:   func() view.Preview { return view.Preview{File: "/etc/pump.toml"} },
	})
	return r
}

func (r *rig) hold(change func()) bool {
	if !r.handed {
		change()
	}
	return !r.handed
}

// begin opens the pump's listeners, as it were.
func (r *rig) begin(listen ...string) {
	for _, addr := range listen {
		r.listen = append(r.listen, netip.MustParseAddrPort(addr))
	}
	close(r.ready)
}

// feed gives stream i a source, which sends n packets.
func (r *rig) feed(i int, kind stream.Kind, who string, n uint32) *stream.Source {
	src, err := r.s.Streams.Streams()[i].Claim(stream.Claim{Kind: kind, Who: who})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
		r.t.Fatal(err)
	}
	for k := range n {
		if err := src.Packet(asftest.Packet(k, k*40, k == 0, asftest.PacketSize, 500)); err != nil {
			r.t.Fatal(err)
		}
	}
	return src
}

func (r *rig) get(path string) *httptest.ResponseRecorder { return r.ask(http.MethodGet, path) }

func (r *rig) ask(method, path string) *httptest.ResponseRecorder {
	return r.askAs(method, path, "127.0.0.1:8087")
}

func pushStream(path, title string) config.Stream {
	return config.Stream{Path: path, Title: title, Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}
}

func TestRoutes(t *testing.T) {
	const plainText, page, data = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
	r := newRigOf(t, func(c *config.Config) { c.Server.Pprof = true }, pushStream("Demo", ""))
	r.begin("0.0.0.0:8086")
	for _, c := range []struct {
		path, route string
		code        int
		media, has  string
	}{
		{"/", "/{$}", 200, page, `href="stream/Demo"`},
		{"/stream/demo", "/stream/{name}", 200, page, "<h1>Demo</h1>"},
		{"/stream/none", "/stream/{name}", 404, plainText, "not found"},
		{"/?a=b", "/{$}", 200, page, "Demo"},
		{"/api/status", "/api/status", 200, data, `"version": "v1.2.3"`},
		{"/api/reload", "/api/reload", 200, data, `"file": "/etc/pump.toml"`},
		{"/api/streams/Demo", "/api/streams/{name}", 200, data, `"path": "Demo"`},
		{"/api/streams/dEMO", "/api/streams/{name}", 200, data, `"path": "Demo"`},
		{"/api/streams/demo2", "/api/streams/{name}", 404, data, `"error": "stream: \"demo2\", not in the configuration"`},
		{"/api/streams/%3Cb%3E%22", "/api/streams/{name}", 404, data, `\u003cb\u003e`},
		{"/api/streams/" + strings.Repeat("x", 10_000), "/api/streams/{name}", 404, data, "not in the configuration"},
		{"/metrics", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
			"pumpd_connection_limit 100\n"},
		{"/healthz", "/healthz", 200, plainText, "ok\n"},
		{"/readyz", "/readyz", 200, plainText, "ready\n"},
		{"/debug/pprof/", "/debug/pprof/", 200, page, "goroutine"},
		{"/debug/pprof/goroutine?debug=1", "/debug/pprof/", 200, plainText, "TestRoutes"},
		{"/debug/pprof/cmdline", "/debug/pprof/cmdline", 200, plainText, "test"},
		{"/debug/pprof/symbol", "/debug/pprof/symbol", 200, plainText, "num_symbols"},
		{"/debug/pprof/trace?seconds=0.001", "/debug/pprof/trace", 200, "application/octet-stream", "go 1."},
		{"/debug/pprof/none", "/debug/pprof/", 404, plainText, "Unknown profile"},
		{"/debug/vars", "", 404, plainText, "not found"},
		{"/api/", "", 404, plainText, "not found"},
		{"/api/streams/", "", 404, plainText, "not found"},
		{"/api/streams/demo/x", "", 404, plainText, "not found"},
		{"/index.html", "", 404, plainText, "not found"},
		{"/streams/demo", "", 404, plainText, "not found"}, // nobody watches here, so there is nothing to guard
	} {
		w := r.get(c.path)
		if got := w.Header().Get("Content-Type"); w.Code != c.code || got != c.media || !strings.Contains(w.Body.String(),
			c.has) {
			t.Errorf("GET %.80s: %d, %q, %.300q, want %d, %q, %q in it", c.path, w.Code, got, w.Body, c.code, c.media, c.has)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("GET %.80s: X-Content-Type-Options %q, want nosniff", c.path, got)
		}
		if _, route := r.mux.Handler(httptest.NewRequest("GET", c.path, nil)); route != c.route {
			t.Errorf("GET %.80s: route %q, want %q", c.path, route, c.route)
		}
		if w := r.ask("HEAD", c.path); w.Code != c.code {
			t.Errorf("HEAD %.80s: %d, want %d", c.path, w.Code, c.code)
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "X"} {
			w := r.ask(method, c.path)
			if allow := w.Header().Get("Allow"); w.Code != 405 || allow != "GET, HEAD" {
				t.Errorf("%s %.80s: %d, Allow %q, want 405, GET, HEAD", method, c.path, w.Code, allow)
			}
		}
	}
	// A profile takes a second at least, so it is only looked for.
	if _, route := r.mux.Handler(httptest.NewRequest("GET", "/debug/pprof/profile",
		nil)); route != "/debug/pprof/profile" {
		t.Errorf("profile: route %q", route)
	}
}

func TestReadyz(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""), pushStream("c", ""))
	check := func(code int, want string) {
		t.Helper()
		if w := r.get("/readyz"); w.Code != code || w.Body.String() != want {
			t.Errorf("readyz: %d, %q, want %d, %q", w.Code, w.Body, code, want)
		}
		if w := r.get("/healthz"); w.Code != 200 {
			t.Errorf("healthz: %d, want 200", w.Code)
		}
	}
	check(503, "starting\n")
	r.begin("127.0.0.1:8086")
	check(200, "ready\n")
	r.feed(0, stream.Push, "192.0.2.1:5", 1)
	r.feed(2, stream.Push, "192.0.2.2:5", 1).Lost(io.EOF)
	check(200, "ready\nup a live\nup c orphaned\n")
	r.drain()
	check(503, "draining\nup a live\nup c orphaned\n")
	r.halt()
	check(503, "stopping\nup a live\nup c orphaned\n")
}

func TestReadyzWhenStoppedWhileStarting(t *testing.T) {
	r := newRig(t)
	r.halt()
	if w := r.get("/readyz"); w.Code != 503 || w.Body.String() != "stopping\n" {
		t.Errorf("readyz: %d, %q, want 503, stopping", w.Code, w.Body)
	}
	if w := r.get("/api/status"); w.Code != 200 || !strings.Contains(w.Body.String(), `"listen": []`) {
		t.Errorf("status: %d, %q, want no listeners", w.Code, w.Body)
	}
}

// run runs an admin on a port of its own, until stop is called.
func run(t *testing.T) (at netip.AddrPort, stop func()) {
	t.Helper()
	r := newRig(t)
	r.begin("127.0.0.1:8086")
	a, err := Start(r.s, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(a.Close)
	t.Cleanup(stop)
	return a.Addr(), stop
}

// askRaw sends text on a connection of its own and returns it with the answer's status, 0 if it was closed.
func askRaw(t *testing.T, at netip.AddrPort, text string) (net.Conn, int) {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, text); err != nil {
		return c, 0
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatal(err)
	}
	if err != nil {
		return c, 0
	}
	return c, answer.StatusCode
}

const askReady = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	at, stop := run(t)
	for _, c := range []struct {
		text string
		want int
	}{
		{askReady, 200},
		{"GET /readyz HTTP/1.0\r\n\r\n", 200},
		{"HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200},
		{"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405},
		{"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n", 405},               // and the body never comes
		{"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", 200}, // nor does this one
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 2*maxHead) + "\r\n\r\n", 431},
		{"$D\x00\x00\r\n\r\n", 400},
	} {
		if _, got := askRaw(t, at, c.text); got != c.want {
			t.Errorf("%.60q: %d, want %d", c.text, got, c.want)
		}
	}

	half, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	half.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(half, "GET / HTTP/1.1\r\n")
	stop()
	if b, err := io.ReadAll(half); err == nil && len(b) > 0 {
		t.Errorf("half a request at the end: %q, want it cut", b)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("half a request at the end: still open, want it cut")
	}
	if c, err := net.Dial("tcp", at.String()); err == nil {
		c.Close()
		t.Error("the listener is open after the end")
	}
}

func TestConnectionLimit(t *testing.T) {
	at, _ := run(t)
	var inside net.Conn
	for i := range MaxConns {
		c, code := askRaw(t, at, askReady)
		if code != 200 {
			t.Fatalf("connection %d of %d: %d, want 200", i+1, MaxConns, code)
		}
		inside = c
	}
	if _, code := askRaw(t, at, askReady); code != 0 {
		t.Errorf("connection %d of %d: %d, want it closed", MaxConns+1, MaxConns, code)
	}
	inside.Close()
	for start := time.Now(); ; {
		if _, code := askRaw(t, at, askReady); code == 200 {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal("one has gone, and no other may come in")
		}
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := newRig(t)
	want := fmt.Sprintf("server.admin: listen tcp %s: bind: address already in use", l.Addr())
	if _, err := Start(r.s, l.Addr().String()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
