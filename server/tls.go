package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"pumpd/server/config"
	"pumpd/server/proxied"
)

// Connections to tls.listen speak TLS to their end; what is said inside is the same as on the plain listeners.
//
//	accept ─▶ handshake ───────▶ register ─▶ loop: conn ── tlsWire ── tls.Conn ── shim ── gnetWire ── socket
//	          a goroutine that blocks,                     a viewer's packets: tlsEngine ──┘
//	          with a deadline
//
// handshakes has those that are going on. Each is in one of three states, and whoever only waits in one of them is in
// nobody's way:
//
//	greeting ── hello is whole ─▶ line, a CPU ── our flight ─▶ answering ── peer's flight ─▶ line, a CPU ─▶ done
//
// The line is one of connections that have said what they want, so it moves on; while it is full the next connections
// wait in the kernel's queue. In the other two the peer is waited for: when they are full, whoever has waited longest
// goes.
type handshakes struct {
	// Set by newHandshakes, never changed.
	trusted func() proxied.Trusted // the proxies that are trusted now
	named   func(*newcomer)        // is told when a proxy has said for whom it speaks
	certs   *atomic.Pointer[certificates]
	going   context.Context // done: the server stops, and with it every handshake
	stop    context.CancelFunc

	// Any goroutine. A reload changes it.
	timeout atomic.Int64 // a time.Duration: that a peer may take for its hello, and again for what follows it

	// Any goroutine.
	greeting  crowd         // by address
	answering crowd         // by address
	line      chan struct{} // holds one for each that computes or wants to
	cpus      chan struct{} // one for each that computes: a thousand at once would delay rounds by 0.5 s
	all       sync.WaitGroup

	// Guards who the newcomers are, too: a proxy may say that.
	mu       sync.Mutex
	underway map[*newcomer]bool // from their accept until a loop has them; true: the hello has come
}

func newHandshakes(cfg *config.Config, b *budget, certs *atomic.Pointer[certificates]) *handshakes {
	h := &handshakes{
		certs:   certs,
		trusted: func() proxied.Trusted { return proxied.Trusted{} },
		named:   func(*newcomer) {},
		line:    make(chan struct{}, b.line),
		cpus:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),

		underway: map[*newcomer]bool{},
	}
	h.setPlaces(b)
	h.timeout.Store(int64(cfg.Timeouts.Handshake))
	h.going, h.stop = context.WithCancel(context.Background())
	return h
}

// setPlaces changes how many may be waited for. How many compute, or want to, stays.
func (h *handshakes) setPlaces(b *budget) {
	for _, w := range []*crowd{&h.greeting, &h.answering} {
		w.limit(int(b.silent), int(max(1, b.silent/2)))
	}
}

// certificatesOf loads those of a configuration, with all else of it that is about TLS.
func certificatesOf(cfg *config.TLS, log *slog.Logger) (*certificates, error) {
	// Tickets for sessions are sealed with a key that crypto/tls makes, and replaces each day, and forgets after a week.
	certs, err := newCertificates(cfg, &tls.Config{
		MinVersion:                  config.TLSVersions[cfg.MinVersion],
		NextProtos:                  []string{"http/1.1", "http/1.0"},
		DynamicRecordSizingDisabled: true, // small records cost CPU; we send what there is, not what a browser waits for
	}, log)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return certs, nil
}

// deadline is when a peer must have sent what it is waited for now.
func (h *handshakes) deadline() time.Time { return time.Now().Add(time.Duration(h.timeout.Load())) }

// begin starts c's handshake, as soon as there is room in the line. done gets the connection, or what went wrong; c is
// closed then.
func (h *handshakes) begin(c *newcomer, done func(w *tlsWire, err error)) {
	h.line <- struct{}{} // only to wait: compute takes the place
	<-h.line
	h.all.Go(func() {
		w, err := h.run(c)
		if err != nil {
			c.Close()
		}
		done(w, err)
	})
}

func (h *handshakes) run(c *newcomer) (*tlsWire, error) {
	defer context.AfterFunc(h.going, func() { c.Close() })()
	s := newHandshake(c, h)
	hello, err := s.hello()
	if err != nil {
		return nil, err
	}
	h.list(c, true)
	s.compute()
	defer s.rest()
	if hello[0] == recordHandshake && s.gone() { // others cost nothing, and may want to be told what is wrong
		return nil, errPeerGone
	}
	if err := s.SetDeadline(h.deadline()); err != nil {
		return nil, err
	}
	w := newTLSWire(s, hello)
	if err := w.tls.Handshake(); err != nil {
		if mistaken(err) {
			c.Write(wantTLS) // new sockets take it
		}
		return nil, err
	}
	return w, nil
}

// list notes that a handshake is under way, and whether its hello has come, unlist that it is not any more.
func (h *handshakes) list(c *newcomer, greeted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.underway[c] = greeted
}

func (h *handshakes) unlist(c *newcomer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.underway, c)
}

// wait returns when the last handshake is over; there must be no more begun.
func (h *handshakes) wait() { h.all.Wait() }

// mistaken says whether what came in place of a handshake was an HTTP request.
func mistaken(err error) bool {
	var not tls.RecordHeaderError
	if !errors.As(err, &not) || not.Conn == nil {
		return false
	}
	switch string(not.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "OPTIO":
		return true
	}
	return false
}

var wantTLS = []byte("HTTP/1.0 400 Bad Request\r\nServer: " + viewerServer +
	"\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nthis port speaks TLS: https:// or mmshs://\n")

// makeTLS loads the certificates, if anything speaks TLS.
func (s *Server) makeTLS() error {
	cfg := s.config()
	if !cfg.SpeaksTLS() {
		return nil
	}
	certs, err := certificatesOf(&cfg.TLS, s.log)
	if err != nil {
		return err
	}
	s.certs.Store(certs)
	if len(cfg.TLS.Listen) > 0 {
		s.handshakes = s.newHandshakes(cfg, s.budget)
	}
	return nil
}

// adminTLS is what the next connection to the admin is to speak, nil for plain HTTP. Any goroutine.
func (s *Server) adminTLS() *tls.Config {
	if !s.config().Server.AdminTLS {
		return nil
	}
	certs := s.certs.Load()
	if certs == nil { // a reload is about to load them: until then there is no handshake that succeeds
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return certs.loaded.Load().admin
}

// newHandshakes makes them for a configuration that has tls.listen.
func (s *Server) newHandshakes(cfg *config.Config, b *budget) *handshakes {
	h := newHandshakes(cfg, b, &s.certs)
	h.trusted = s.node.trusted
	h.named = func(c *newcomer) {
		c.guest = s.gate.named(c.guest, c.remote.Addr(), s.clock.Now(), func() { c.Close() })
	}
	return h
}

// startHandshake takes a connection that the gate has counted in.
func (s *Server) startHandshake(on *listener, c *newcomer) {
	if c.guest != nil {
		c.guest.crowd.move(c.guest, s.clock.Now(), func() { c.Close() })
	}
	s.handshakes.list(c, false)
	s.handshakes.begin(c, func(w *tlsWire, err error) {
		if err == nil {
			s.handOver(on, &enrolment{newcomer: c, tls: w})
			return
		}
		s.giveUp(c)
		s.log.Debug("tls handshake", "from", c.remote, "err", err)
	})
}
