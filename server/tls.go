package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"time"
)

// Connections to tls.listen speak TLS to their end; what is said inside is the same as on the plain listeners.
//
//	accept ─▶ handshake ─────────▶ enroll ─▶ loop: conn ── tlsWire ── tls.Conn ── shim ── gnetWire ── socket
//	          a goroutine that blocks,                     a viewer's packets: tlsEngine ──┘
//	          with a deadline
//
// handshakes has those that are going on.
type handshakes struct {
	// Set by newHandshakes, never changed.
	config  *tls.Config
	timeout time.Duration   // of a whole handshake
	going   context.Context // done: the server stops, and with it every handshake
	stop    context.CancelFunc

	// Any goroutine.
	slots chan struct{} // holds one for each handshake
	cpus  chan struct{} // and one for each that computes; else a thousand at once keep rounds waiting for half a second
	all   sync.WaitGroup
}

func newHandshakes(cfg *Config, b *budget, clock clock, log *slog.Logger) (*handshakes, error) {
	certs, err := newCertificates(cfg.TLS.Certificates, clock, log)
	if err != nil {
		return nil, err
	}
	h := &handshakes{
		config: &tls.Config{
			GetCertificate:              certs.choose,
			MinVersion:                  tls.VersionTLS12,
			NextProtos:                  []string{"http/1.1", "http/1.0"},
			DynamicRecordSizingDisabled: true, // small records cost CPU; we send what there is, not what a browser waits for
		},
		timeout: time.Duration(cfg.Timeouts.RequestHead),
		slots:   make(chan struct{}, b.handshakes),
		cpus:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
	h.going, h.stop = context.WithCancel(context.Background())
	return h, nil
}

// begin starts c's handshake, as soon as there is a slot. done gets the connection, or what went wrong; c is closed then.
func (h *handshakes) begin(c net.Conn, done func(w *tlsWire, err error)) {
	h.slots <- struct{}{}
	h.all.Go(func() {
		defer func() { <-h.slots }()
		w, err := h.run(c)
		if err != nil {
			c.Close()
		}
		done(w, err)
	})
}

func (h *handshakes) run(c net.Conn) (*tlsWire, error) {
	if err := c.SetDeadline(time.Now().Add(h.timeout)); err != nil {
		return nil, err
	}
	h.cpus <- struct{}{}
	defer func() { <-h.cpus }()
	w := newTLSWire(c, h)
	err := w.tls.HandshakeContext(h.going)
	if err == nil {
		return w, nil
	}
	if mistaken(err) {
		c.Write(wantTLS) // new sockets take it
	}
	return nil, err
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

// makeTLS loads the certificates and puts encryption before the loops' engines, if TLS is configured.
func (s *Server) makeTLS() error {
	if len(s.cfg.TLS.Listen) == 0 {
		return nil
	}
	h, err := newHandshakes(s.cfg, s.budget, s.clock, s.log)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	s.handshakes = h
	for _, l := range s.node.loops {
		l.engine = newTLSEngine(l.engine)
	}
	return nil
}

// takeTLS takes a connection that the gate has counted in.
func (s *Server) takeTLS(f front, c newcomer) {
	if c.guest != nil {
		c.guest.crowd.move(c.guest, s.clock.now(), func() { c.Close() })
	}
	s.handshakes.begin(c.Conn, func(w *tlsWire, err error) {
		if err == nil {
			f.enrolling <- struct{}{}
			defer func() { <-f.enrolling }()
			s.take(c, &gnetWire{tls: w})
			return
		}
		s.gate.leave(c.guest)
		s.log.Debug("tls handshake", "from", c.RemoteAddr(), "err", err)
	})
}
