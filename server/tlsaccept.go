package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/proxied"
)

// Connections that want TLS are accepted here, not by gnet: a handshake comes first, and it blocks. While descriptors
// are lacking they wait in the kernel's queue.

// A tlsListener listens on an address of tls.listen.
type tlsListener struct {
	net.Listener

	// enrolling holds one for each connection that waits for its loop to take it over, and has two descriptors
	// meanwhile; a flood on one listener leaves the others alone. A loop that is in the middle of a round takes none for
	// a tenth of a second, and then all that wait: with 4 of them a full pump let 40 viewers in a second.
	enrolling chan struct{}
}

// A newcomer is a connection that the gate has counted in, up to the end of its handshake.
type newcomer struct {
	net.Conn
	remote netip.AddrPort // who it is, as in conn
	front  *front         // as in conn
	guest  *guest         // nil: it has an ordinary place
}

// listenTLS opens the listeners for TLS. An error names the key of the configuration and the address.
func (s *Server) listenTLS() error {
	lc := net.ListenConfig{KeepAlive: -1, Control: listenerOptions}
	for i, a := range s.config().TLS.Listen {
		l, err := lc.Listen(context.Background(), "tcp", a)
		if err != nil {
			return fmt.Errorf("%s: %w", config.Item("tls.listen", i), err)
		}
		s.tlsListeners = append(s.tlsListeners, tlsListener{l, make(chan struct{}, s.budget.enrolling)})
		s.tlsAddrs = append(s.tlsAddrs, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return nil
}

// closeTLS lets no more in there, and ends the handshakes that are going on.
func (s *Server) closeTLS() {
	for _, l := range s.tlsListeners {
		l.Close()
	}
	if s.handshakes != nil {
		s.handshakes.stop()
	}
}

// acceptTLS takes connections until the listeners are closed and the last of them are on their loops.
func (s *Server) acceptTLS() {
	var all sync.WaitGroup
	for _, l := range s.tlsListeners {
		all.Go(func() { s.acceptOn(l) })
	}
	all.Wait()
	if s.handshakes != nil {
		s.handshakes.wait()
	}
}

// acceptOn accepts on one listener and begins the handshakes of those that the gate has counted in.
func (s *Server) acceptOn(on tlsListener) {
	const pause = 50 * time.Millisecond // for a lack of descriptors or memory to pass
	failures := acceptFailures{log: s.log}
	for {
		c, err := on.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		failures.tell(err, s.clock.Now())
		if err != nil {
			time.Sleep(pause)
			continue
		}
		from := addressOf(c.RemoteAddr())
		guest, ok := s.gate.enter(from.Addr(), s.clock.Now())
		if !ok {
			c.Close() // in the clear there is nothing to say
			continue
		}
		s.startHandshake(on, &newcomer{c, from, frontOf(s.proxies, proxied.Peer{At: from}, true), guest})
	}
}

// acceptFailures make a line where accept begins to go wrong, and one when that is over, with their number.
type acceptFailures struct {
	log    *slog.Logger
	errors int
	last   clock.Instant // when the latest was
}

// calm is how long all must go well for that to be over.
const calm = 10 * time.Second

// tell has what became of each accept.
func (t *acceptFailures) tell(err error, now clock.Instant) {
	switch {
	case err != nil:
		if t.errors++; t.errors == 1 {
			t.log.Error("accept", "err", err)
		}
		t.last = now
	case t.errors > 0 && now.Since(t.last) > calm:
		t.log.Warn("accept works again", "errors", t.errors)
		t.errors = 0
	}
}

// handOver gives a connection whose handshake is done to a loop.
func (s *Server) handOver(on tlsListener, c *newcomer, w *tlsWire) {
	on.enrolling <- struct{}{}
	defer func() { <-on.enrolling }()
	err := s.reactor.register(c.Conn, &enrolment{newcomer: c, tls: w})
	if err == nil {
		return
	}
	if !errors.Is(err, net.ErrClosed) { // as the gate does with one that must go
		s.log.Error("accepted connection was lost", "err", err)
	}
	s.gate.leave(c.guest)
}
