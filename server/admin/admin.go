// Package admin shows a pump to its operator: the status page, the API, metrics and health, all of a Subject. It owns
// nothing but its listener and the rates that it measures; the pump does not know that it is looked at.
package admin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof" // also registers on http.DefaultServeMux, which nothing here serves
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// An Admin is what an operator sees of a pump, on a listener of its own: it is for people and monitoring, nothing in it
// is fast, and nobody outside should reach it. Most of it only looks: at atomic counters, at values that do not change,
// and at who holds a stream's claim. What it changes, and what loops know of viewers, it asks the Subject for.
//
//	/                   the status page: all streams
//	/stream/NAME        that of one stream, with its viewers
//	/api/status         the same as JSON, a report
//	/api/streams/NAME   one stream of it, a streamReport
//	/api/reload         what a reload would do, which it does not
//	/api/v1/…           all of that and more, and what admin_users may change: see routes
//	/metrics            Prometheus
//	/healthz            200 while the process serves, 503 if a loop does not turn
//	/readyz             200 while viewers and encoders can connect and ready_streams have their sources, else 503
//	/debug/pprof/       profiles, where pprof is true
//
// Only requests that its guard lets pass are answered.
type Admin struct {
	// Set before it serves, never changed.
	s   *Subject
	mux *http.ServeMux

	// Set by Start, never changed.
	server *http.Server
	addr   netip.AddrPort
	ended  chan error    // has why server ended
	end    chan struct{} // closed by Close

	// Any goroutine.
	rates *rates
	desk  *desk
	conns atomic.Int64
}

const (
	headTime  = 5 * time.Second        // for a request's head
	readTime  = 10 * time.Second       // for all of a request
	writeTime = 30 * time.Second       // for a reply; profiles prolong it by what they were asked for
	idleTime  = 20 * time.Second       // between requests
	stopTime  = 500 * time.Millisecond // for replies on their way when the server ends; a profile is cut
	maxHead   = 16 << 10               // bytes of a request's head

	// MaxConns is how many connections there are at a time, fewer where descriptors are scarce.
	MaxConns = 32
)

func prepare(s *Subject) *Admin {
	a := &Admin{
		s: s, mux: http.NewServeMux(), rates: newRates(s), desk: newDesk(s),
		ended: make(chan error, 1), end: make(chan struct{}),
	}
	a.mux.HandleFunc("/{$}", a.page)
	a.mux.HandleFunc("/stream/{name}", a.streamPage)
	a.mux.HandleFunc("/api/status", a.apiStatus)
	a.mux.HandleFunc("/api/streams/{name}", a.apiStream)
	a.mux.HandleFunc("/api/reload", a.apiReload)
	for _, to := range a.routes() {
		a.mux.HandleFunc(to.method+" "+to.path, to.serve)
	}
	a.mux.HandleFunc("/api/v1", a.noRoute)
	a.mux.HandleFunc("/api/v1/", a.noRoute)
	a.mux.Handle("/metrics", promhttp.HandlerFor(newMetrics(s), promhttp.HandlerOpts{}))
	a.mux.HandleFunc("/healthz", a.healthz)
	a.mux.HandleFunc("/readyz", a.readyz)
	a.profiles()
	return a
}

// profiles adds what tells of the program's inside, and costs: a profile takes CPU time for as long as it is asked to.
func (a *Admin) profiles() {
	for at, serve := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		a.mux.HandleFunc("/debug/pprof/"+at, func(w http.ResponseWriter, r *http.Request) {
			if a.s.Config().Pprof {
				serve(w, r)
			} else {
				noProfiles(w, r)
			}
		})
	}
}

func noProfiles(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusNotFound, "profiles are off: pprof = true in [server] of the configuration has them\n")
}

// Start serves on an address, of server.admin, until Close is called. An error is the listener's, with the key of the
// configuration. It is to be called before the listeners of viewers open, and Close after the pump has stopped: readyz
// tells of both.
func Start(s *Subject, address string) (*Admin, error) {
	l, err := s.listen(address)
	if err != nil {
		return nil, fmt.Errorf("server.admin: %w", err)
	}
	a := prepare(s)
	a.addr = l.Addr().(*net.TCPAddr).AddrPort()
	a.server = a.newServer()
	go func() { a.ended <- a.server.Serve(door{l, s.TLS}) }()
	go a.rates.run(s.Clock, a.end)
	s.Log.Info("admin", "address", a.addr)
	return a, nil
}

// Addr is the one that it listens on, with the port that it got where 0 is configured.
func (a *Admin) Addr() netip.AddrPort { return a.addr }

// URL is that of the status page, as a program on this machine has it.
func (a *Admin) URL() string {
	scheme := "http"
	if a.s.TLS() != nil {
		scheme = "https"
	}
	return scheme + "://" + hostOf(a.addr) + "/"
}

// A door is the admin's listener. Each connection speaks TLS if that is configured when it comes: so a reload can have
// it otherwise without a new listener. Somebody who has not heard of that is told so by net/http.
type door struct {
	net.Listener
	tls func() *tls.Config
}

// Accept does not wait for the handshake: net/http makes it, in headTime.
func (d door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if cfg := d.tls(); cfg != nil {
		return tls.Server(c, cfg), nil
	}
	return c, nil
}

// Close closes the listener at once and the connections within half a second, and returns then. To be called once.
func (a *Admin) Close() {
	close(a.end)
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if a.server.Shutdown(ctx) != nil {
		a.server.Close()
	}
	if err := <-a.ended; !errors.Is(err, http.ErrServerClosed) {
		a.s.Log.Error("admin ended", "err", err)
	}
}

func (a *Admin) newServer() *http.Server {
	return &http.Server{
		Handler:                      http.HandlerFunc(a.serve),
		DisableGeneralOptionsHandler: true, // it would answer OPTIONS *
		ReadHeaderTimeout:            headTime,
		ReadTimeout:                  readTime,
		WriteTimeout:                 writeTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               maxHead,
		ConnState:                    a.count,
		ErrorLog:                     slog.NewLogLogger(a.s.Log.Handler(), slog.LevelDebug),
	}
}

// count keeps the number of connections in its limit: one too many is closed before it is read.
func (a *Admin) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if a.conns.Add(1) > a.s.MaxConns {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		a.conns.Add(-1)
	}
}

// serve refuses what a browser was made to ask and all that is neither a look nor a change of the API, then asks the
// routes.
func (a *Admin) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	body, outdated := r.ContentLength != 0, (r.TLS == nil) != (a.s.TLS() == nil)
	if body || outdated { // otherwise the reply waits for a body that nobody reads, or TLS for this one to end
		h.Set("Connection", "close")
	}
	if status, err := newGuard(a.s.Config()).check(r); err != nil {
		a.s.Log.Debug("admin refuses", "from", r.RemoteAddr, "err", err)
		refuse(w, r, status, err)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !a.isChange(r) {
		a.refuseMethod(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// refuseMethod says which methods there are at a path.
func (a *Admin) refuseMethod(w http.ResponseWriter, r *http.Request) {
	if a.unknown(r) {
		a.noRoute(w, r)
		return
	}
	allow := cmp.Or(a.methods(r.URL.Path), "GET, HEAD")
	w.Header().Set("Allow", allow)
	refuse(w, r, http.StatusMethodNotAllowed, fmt.Errorf("%.40s: want %s", r.Method, allow))
}

// refuse answers a request that comes to no route: to programs as the API does, to people in plain words.
func refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	if strings.HasPrefix(r.URL.Path, "/api/v1") {
		fail(w, status, err)
		return
	}
	http.Error(w, err.Error(), status)
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	io.WriteString(w, text) // who hangs up does not want it
}

// A serverState is the life of a pump as an operator sees it.
type serverState uint8

const (
	serverStarting serverState = iota // listeners are not open; then ready or stopping
	serverReady                       // then draining or stopping
	serverDraining                    // viewers go one by one, nobody new comes in; then stopping
	serverStopping                    // last
)

func (s serverState) String() string {
	return [...]string{"starting", "ready", "draining", "stopping"}[s]
}

func (s *Subject) state() serverState {
	select {
	case <-s.Stopping:
		return serverStopping
	default:
	}
	select {
	case <-s.Draining:
		return serverDraining
	default:
	}
	select {
	case <-s.Ready:
		return serverReady
	default:
		return serverStarting
	}
}
