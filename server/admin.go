package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof" // also registers on http.DefaultServeMux, which nothing here serves
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The admin is what an operator sees of a server, on a listener of its own: it is for people and monitoring, nothing in
// it is fast, and nobody outside should reach it. All of it only looks: at atomic counters, at values that do not
// change, and at who holds a stream's claim.
//
//	/                   the status page
//	/api/status         the same as JSON, a statusReport
//	/api/streams/NAME   one stream of it, a streamReport
//	/metrics            Prometheus
//	/healthz            200 while the process serves, 503 if a loop does not turn
//	/readyz             200 while viewers and encoders can connect and ready_streams have their sources, else 503
//	/debug/pprof/       profiles, where pprof is true
//
// Every one of them is for requests that its guard lets pass.
type admin struct {
	// Set before it serves, never changed.
	s        *Server
	guard    adminGuard
	stopping <-chan struct{} // closed when the server begins to stop
	mux      *http.ServeMux
	addr     netip.AddrPort // set by startAdmin

	// Any goroutine.
	conns atomic.Int64
}

const (
	adminHeadTime  = 5 * time.Second        // for a request's head
	adminReadTime  = 10 * time.Second       // for all of a request
	adminWriteTime = 30 * time.Second       // for a reply; profiles prolong it by what they were asked for
	adminIdleTime  = 20 * time.Second       // between requests
	adminStopTime  = 500 * time.Millisecond // for replies on their way when the server ends; a profile is cut
	adminHead      = 16 << 10               // bytes of a request's head

	adminConns = 32 // at a time; fewer where descriptors are scarce
)

func newAdmin(s *Server, stopping <-chan struct{}) *admin {
	a := &admin{s: s, guard: newAdminGuard(&s.cfg.Server), stopping: stopping, mux: http.NewServeMux()}
	a.mux.HandleFunc("/{$}", a.page)
	a.mux.HandleFunc("/api/status", a.apiStatus)
	a.mux.HandleFunc("/api/streams/{name}", a.apiStream)
	a.mux.Handle("/metrics", promhttp.HandlerFor(newMetrics(s), promhttp.HandlerOpts{}))
	a.mux.HandleFunc("/healthz", a.healthz)
	a.mux.HandleFunc("/readyz", a.readyz)
	if s.cfg.Server.Pprof {
		a.profiles()
	} else {
		a.mux.HandleFunc("/debug/pprof/", noProfiles)
	}
	return a
}

// profiles adds what tells of the program's inside, and costs: a profile takes CPU time for as long as it is asked to.
func (a *admin) profiles() {
	a.mux.HandleFunc("/debug/pprof/", pprof.Index)
	a.mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	a.mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	a.mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	a.mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
}

func noProfiles(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusNotFound, "profiles are off: pprof = true in [server] of the configuration has them\n")
}

// startAdmin serves the admin until stop is called, if the configuration has an address for it. It comes before the
// listeners of viewers, so that readyz tells of a start that takes long. stopping is closed when the server begins to
// stop; the admin goes on through that.
func (s *Server) startAdmin(stopping <-chan struct{}) (stop func(), err error) {
	if s.cfg.Server.Admin == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", s.cfg.Server.Admin)
	if err != nil {
		return nil, fmt.Errorf("server.admin: %w", err)
	}
	s.admin = newAdmin(s, stopping)
	s.admin.addr = l.Addr().(*net.TCPAddr).AddrPort()
	server := s.admin.server()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	s.log.Info("admin", "address", s.admin.addr)
	return func() {
		shut(server)
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("admin ended", "err", err)
		}
	}, nil
}

// AdminAddr is the address of the status page, not valid if the configuration has none. It is known once Ready is
// closed.
func (s *Server) AdminAddr() netip.AddrPort {
	if s.admin == nil {
		return netip.AddrPort{}
	}
	return s.admin.addr
}

func (a *admin) server() *http.Server {
	return &http.Server{
		Handler:                      a,
		DisableGeneralOptionsHandler: true, // it would answer OPTIONS *
		ReadHeaderTimeout:            adminHeadTime,
		ReadTimeout:                  adminReadTime,
		WriteTimeout:                 adminWriteTime,
		IdleTimeout:                  adminIdleTime,
		MaxHeaderBytes:               adminHead,
		ConnState:                    a.count,
		ErrorLog:                     slog.NewLogLogger(a.s.log.Handler(), slog.LevelDebug),
	}
}

// shut closes the listener at once and the connections soon.
func shut(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), adminStopTime)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close()
	}
}

// count keeps the number of connections in its limit: one too many is closed before it is read.
func (a *admin) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if a.conns.Add(1) > a.s.budget.admin {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		a.conns.Add(-1)
	}
}

// ServeHTTP refuses what a browser was made to ask and all that is not a look, then asks the routes.
func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if r.ContentLength != 0 {
		h.Set("Connection", "close") // otherwise the reply waits for a body that nobody reads
	}
	if status, err := a.guard.check(r); err != nil {
		a.s.log.Debug("admin refuses", "from", r.RemoteAddr, "err", err)
		http.Error(w, err.Error(), status)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	a.mux.ServeHTTP(w, r)
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	io.WriteString(w, text) // who hangs up does not want it
}

// A serverState is the life of a server as an operator sees it.
type serverState uint8

const (
	serverStarting serverState = iota // listeners are not open; then ready or stopping
	serverReady                       // then stopping
	serverStopping                    // last
)

func (s serverState) String() string { return [...]string{"starting", "ready", "stopping"}[s] }

func (a *admin) state() serverState {
	select {
	case <-a.stopping:
		return serverStopping
	default:
	}
	select {
	case <-a.s.ready:
		return serverReady
	default:
		return serverStarting
	}
}
