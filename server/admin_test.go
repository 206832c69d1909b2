package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
)

// An adminRig is an admin of a server that is not running: its clock and its listeners are the test's.
type adminRig struct {
	*admin
	t    *testing.T
	at   instant
	stop context.CancelFunc
}

func newAdminRig(t *testing.T, streams ...StreamConfig) *adminRig {
	return newAdminRigOf(t, nil, streams...)
}

// newAdminRigOf has a configuration that change, if given, has changed.
func newAdminRigOf(t *testing.T, change func(*Config), streams ...StreamConfig) *adminRig {
	r := &adminRig{t: t, at: 1}
	cfg := DefaultConfig()
	cfg.Streams = streams
	if change != nil {
		change(cfg)
	}
	c := clock{func() instant { return r.at }}
	log := slog.New(slog.DiscardHandler)
	s := &Server{Version: "v1.2.3", cfg: cfg, log: log, clock: c, node: newNode(), gate: &gate{most: 100},
		budget: &budget{admin: adminConns}, ready: make(chan struct{})}
	var all []*stream
	for i := range cfg.Streams {
		all = append(all, newStream(i, &cfg.Streams[i], log, c, &cfg.Server, func(*loopSet, instant) {}))
	}
	s.reg = newRegistry(c, time.Duration(cfg.Timeouts.SourceGrace), all)
	s.rates = newRates(all)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r.stop = cancel
	r.admin = newAdmin(s, ctx.Done())
	return r
}

// begin opens the server's listeners, as it were.
func (r *adminRig) begin(listen ...string) {
	for _, addr := range listen {
		r.s.addrs = append(r.s.addrs, netip.MustParseAddrPort(addr))
	}
	close(r.s.ready)
}

// feed gives stream i a source, which sends n packets.
func (r *adminRig) feed(i int, kind sourceKind, who string, n uint32) *source {
	src, err := r.s.reg.streams[i].claim(kind, who)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := src.header(asftest.Header(asftest.PacketSize, 320)); err != nil {
		r.t.Fatal(err)
	}
	for k := range n {
		if err := src.packet(asftest.Packet(k, k*40, k == 0, asftest.PacketSize, 500)); err != nil {
			r.t.Fatal(err)
		}
	}
	return src
}

func (r *adminRig) get(path string) *httptest.ResponseRecorder { return r.ask(http.MethodGet, path) }

func (r *adminRig) ask(method, path string) *httptest.ResponseRecorder {
	return r.askAs(method, path, "127.0.0.1:8087")
}

func pushStream(path, title string) StreamConfig {
	return StreamConfig{Path: path, Title: title, Enabled: true, Type: typePush, OnSecondPush: "takeover"}
}

func TestAdminRoutes(t *testing.T) {
	const plainText, page, data = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
	r := newAdminRigOf(t, func(c *Config) { c.Server.Pprof = true }, pushStream("Demo", ""))
	r.begin("0.0.0.0:8086")
	for _, c := range []struct {
		path, route string
		code        int
		media, has  string
	}{
		{"/", "/{$}", 200, page, "<h2>Demo</h2>"},
		{"/?a=b", "/{$}", 200, page, "<h2>Demo</h2>"},
		{"/api/status", "/api/status", 200, data, `"version": "v1.2.3"`},
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
		{"/debug/pprof/goroutine?debug=1", "/debug/pprof/", 200, plainText, "TestAdminRoutes"},
		{"/debug/pprof/cmdline", "/debug/pprof/cmdline", 200, plainText, "test"},
		{"/debug/pprof/symbol", "/debug/pprof/symbol", 200, plainText, "num_symbols"},
		{"/debug/pprof/trace?seconds=0.001", "/debug/pprof/trace", 200, "application/octet-stream", "go 1."},
		{"/debug/pprof/none", "/debug/pprof/", 404, plainText, "Unknown profile"},
		{"/debug/vars", "", 404, plainText, "not found"},
		{"/api/", "", 404, plainText, "not found"},
		{"/api/streams/", "", 404, plainText, "not found"},
		{"/api/streams/demo/x", "", 404, plainText, "not found"},
		{"/index.html", "", 404, plainText, "not found"},
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
	r := newAdminRig(t, pushStream("a", ""), pushStream("b", ""), pushStream("c", ""))
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
	r.feed(0, sourcePush, "192.0.2.1:5", 1)
	r.feed(2, sourcePush, "192.0.2.2:5", 1).lost(io.EOF)
	check(200, "ready\nup a live\nup c orphaned\n")
	r.stop()
	check(503, "stopping\nup a live\nup c orphaned\n")
}

func TestReadyzWhenStoppedWhileStarting(t *testing.T) {
	r := newAdminRig(t)
	r.stop()
	if w := r.get("/readyz"); w.Code != 503 || w.Body.String() != "stopping\n" {
		t.Errorf("readyz: %d, %q, want 503, stopping", w.Code, w.Body)
	}
	if w := r.get("/api/status"); w.Code != 200 || !strings.Contains(w.Body.String(), `"listen": []`) {
		t.Errorf("status: %d, %q, want no listeners", w.Code, w.Body)
	}
}

// runAdmin runs a whole server whose admin is on a port of its own.
func runAdmin(t *testing.T) (at netip.AddrPort, stop func() error) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Server.Listen, cfg.Server.Admin, cfg.Server.Loops = []string{"127.0.0.1:0"}, "127.0.0.1:0", 1
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { stop() })
	select {
	case <-s.Ready():
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return s.AdminAddr(), stop
}

// askRaw sends text on a connection of its own and returns it with the answer's status, 0 if it was closed.
func askRaw(t *testing.T, at netip.AddrPort, text string) (net.Conn, int) {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
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

func TestAdminOverTheNetwork(t *testing.T) {
	t.Parallel()
	at, stop := runAdmin(t)
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
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 2*adminHead) + "\r\n\r\n", 431},
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
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
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

func TestAdminConnectionLimit(t *testing.T) {
	at, _ := runAdmin(t)
	var inside net.Conn
	for i := range adminConns {
		c, code := askRaw(t, at, askReady)
		if code != 200 {
			t.Fatalf("connection %d of %d: %d, want 200", i+1, adminConns, code)
		}
		inside = c
	}
	if _, code := askRaw(t, at, askReady); code != 0 {
		t.Errorf("connection %d of %d: %d, want it closed", adminConns+1, adminConns, code)
	}
	inside.Close()
	for start := time.Now(); ; {
		if _, code := askRaw(t, at, askReady); code == 200 {
			break
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("one has gone, and no other may come in")
		}
	}
}

func TestAdminPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := DefaultConfig()
	cfg.Server.Listen, cfg.Server.Admin, cfg.Server.Loops = []string{"127.0.0.1:0"}, l.Addr().String(), 1
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("server.admin: listen tcp %s: bind: address already in use", l.Addr())
	if err := s.Run(context.Background()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAdminOff(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Server.Admin = ""
	s := &Server{cfg: cfg}
	stop, err := s.startAdmin(nil)
	if err != nil || s.AdminAddr().IsValid() {
		t.Errorf("got %v at %v, want nothing", err, s.AdminAddr())
	}
	stop()
}
