package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/proxied"
)

// Some connections are accepted here and not by gnet: those that want TLS, for a handshake comes first, and it blocks;
// and those to plain addresses that a reload has added, for gnet's listeners are those that it was started with. While
// descriptors are lacking they wait in the kernel's queue.

// A listener is one of ours, of an address of tls.listen or listen.
type listener struct {
	net.Listener
	address string         // as configured
	where   netip.AddrPort // that is
	secure  bool           // of tls.listen

	// enrolling holds one for each connection that waits for its loop to take it over, and has two descriptors
	// meanwhile; a flood on one listener leaves the others alone. A loop that is in the middle of a round takes none for
	// a tenth of a second, and then all that wait: with 4 of them a full pump let 40 viewers in a second.
	enrolling chan struct{}

	// Of the server's own goroutine. Closed when nobody accepts on it any more.
	ended chan struct{}
}

// A newcomer is a connection that the gate has counted in, up to the end of its handshake.
type newcomer struct {
	net.Conn
	remote netip.AddrPort // who it is, as in conn
	front  *front         // as in conn
	guest  *guest         // nil: it has an ordinary place
}

// openListener opens one of ours.
func openListener(address string, secure bool, b *budget) (*listener, error) {
	lc := net.ListenConfig{KeepAlive: -1, Control: listenerOptions}
	l, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return newListener(l, address, secure, b), nil
}

// newListener makes one of ours of one of package net.
func newListener(l net.Listener, address string, secure bool, b *budget) *listener {
	return &listener{Listener: l, address: address, where: l.Addr().(*net.TCPAddr).AddrPort(), secure: secure,
		enrolling: make(chan struct{}, b.enrolling)}
}

// listenTLS opens the listeners for TLS. An error names the key of the configuration and the address.
func (s *Server) listenTLS() error {
	for i, a := range s.config().TLS.Listen {
		if err := s.listenOwn(a, roleTLS); err != nil {
			return fmt.Errorf("%s: %w", config.Item("tls.listen", i), explainDenied(err))
		}
	}
	return nil
}

// closeListeners lets no more in at listeners of ours, and ends the handshakes that are going on.
func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
	if s.handshakes != nil {
		s.handshakes.stop()
	}
}

// accept has connections taken on a listener until it is closed.
func (s *Server) accept(on *listener) {
	on.ended = make(chan struct{})
	s.helpers.Go(func() {
		defer close(on.ended)
		s.acceptOn(on)
	})
}

// acceptOn accepts on one listener and has those go on that the gate has counted in.
func (s *Server) acceptOn(on *listener) {
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
		if s.gate.bars(from.Addr()) {
			on.turnAway(c, bannedReply)
			continue
		}
		guest, ok := s.gate.enter(from.Addr(), s.clock.Now())
		if !ok {
			on.turnAway(c, fullReply)
			continue
		}
		new := &newcomer{c, from, frontOf(s.node.trusted(), proxied.Peer{At: from}, true), guest}
		if on.secure {
			s.startHandshake(on, new)
		} else {
			s.handOver(on, &enrolment{newcomer: new})
		}
	}
}

// turnAway closes a connection that is not let in. Where TLS is spoken there is nothing to say in the clear.
func (l *listener) turnAway(c net.Conn, reply []byte) {
	if raw, err := c.(syscall.Conn).SyscallConn(); err == nil && !l.secure {
		_ = raw.Control(func(fd uintptr) { turnAway(int(fd), reply) })
	}
	c.Close()
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

// handOver gives a connection, whose handshake is done if it has one, to a loop.
func (s *Server) handOver(on *listener, h *enrolment) {
	on.enrolling <- struct{}{}
	defer func() { <-on.enrolling }()
	handed, err := s.enrol(h)
	switch {
	case handed != nil && h.tls != nil:
		handed.relays.goOn(s.handshakes.going, h.newcomer, h.tls)
	case handed != nil: // it came when all stood still already
		h.newcomer.Close()
	case err == nil:
		return
	case !errors.Is(err, net.ErrClosed): // as the gate does with one that must go
		s.log.Error("accepted connection was lost", "err", err)
	}
	s.gate.leave(h.newcomer.guest)
}

// enrol has a loop take a connection, unless all has been handed to another process.
func (s *Server) enrol(h *enrolment) (handed *departure, err error) {
	s.passing.RLock()
	defer s.passing.RUnlock()
	if s.handed != nil {
		return s.handed, nil
	}
	if h.tls != nil {
		s.handshakes.unlist(h.newcomer)
	}
	return nil, s.reactor.register(h.newcomer.Conn, h)
}

// giveUp is for a connection whose handshake has failed.
func (s *Server) giveUp(c *newcomer) {
	s.passing.RLock()
	handed := s.handed
	s.handshakes.unlist(c)
	s.passing.RUnlock()
	if handed != nil {
		handed.relays.giveUp(c)
	}
	s.gate.leave(c.guest)
}
