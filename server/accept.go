package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// We accept ourselves and hand the connections to gnet's loops: in gnet's own accept a lack of descriptors stops the
// whole engine, and it gives no chance to refuse a connection before it has a descriptor and a place in a queue. A
// flood of 6,000 connections killed it within a second; here it waits in the kernel's queue.

// A front is a listener and what becomes of its connections.
type front struct {
	net.Listener
	take   func(front, newcomer) // has those that the gate has counted in
	refuse func(net.Conn)        // and the others

	// enrolling holds one for each connection that waits for its loop to take it over, and has two descriptors
	// meanwhile; a flood on one listener leaves the others alone. A loop that is in the middle of a round takes none for
	// a tenth of a second, and then all that wait: with 4 of them a full pump let 40 viewers in a second.
	enrolling chan struct{}
}

// A newcomer is a connection that the gate has counted in.
type newcomer struct {
	net.Conn
	guest *guest // nil: it has an ordinary place
}

// listen opens the listeners. An error names the key of the configuration and the address.
func (s *Server) listen() (err error) {
	if s.addrs, err = s.listenOn("server.listen", s.cfg.Server.Listen, s.takePlain, turnAway); err != nil {
		return err
	}
	s.tlsAddrs, err = s.listenOn("tls.listen", s.cfg.TLS.Listen, s.takeTLS, func(c net.Conn) { c.Close() })
	return err
}

func (s *Server) listenOn(key string, addrs []string, take func(front, newcomer), refuse func(net.Conn)) (
	open []netip.AddrPort, err error) {
	lc := net.ListenConfig{KeepAlive: -1, Control: listenerOptions}
	for i, a := range addrs {
		l, err := lc.Listen(context.Background(), "tcp", a)
		if err != nil {
			s.closeListeners()
			return nil, fmt.Errorf("%s: %w", elementName(key, i), err)
		}
		s.fronts = append(s.fronts, front{l, take, refuse, make(chan struct{}, s.budget.enrolling)})
		open = append(open, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return open, nil
}

func (s *Server) closeListeners() {
	for _, f := range s.fronts {
		f.Close()
	}
	if s.handshakes != nil {
		s.handshakes.stop()
	}
}

// accept takes connections until the listeners are closed.
func (s *Server) accept() {
	var all sync.WaitGroup
	for _, f := range s.fronts {
		all.Go(func() { s.acceptOn(f) })
	}
	all.Wait()
	if s.handshakes != nil {
		s.handshakes.wait()
	}
	for _, f := range s.fronts { // and the last that are on their way
		for range cap(f.enrolling) {
			f.enrolling <- struct{}{}
		}
	}
}

// acceptOn accepts on one listener and calls take for those that the gate has counted in.
func (s *Server) acceptOn(f front) {
	const pause = 50 * time.Millisecond // for a lack of descriptors or memory to pass
	failures := acceptFailures{log: s.log}
	for {
		c, err := f.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		failures.tell(err, s.clock.now())
		if err != nil {
			time.Sleep(pause)
			continue
		}
		from := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
		guest, ok := s.gate.enter(from, s.clock.now())
		if !ok {
			f.refuse(c)
			continue
		}
		f.take(f, newcomer{c, guest})
	}
}

// acceptFailures make a line where accept begins to go wrong, and one when that is over, with their number.
type acceptFailures struct {
	log    *slog.Logger
	errors int
	last   instant // when the latest was
}

// calm is how long all must go well for that to be over.
const calm = 10 * time.Second

// tell has what became of each accept.
func (t *acceptFailures) tell(err error, now instant) {
	switch {
	case err != nil:
		if t.errors++; t.errors == 1 {
			t.log.Error("accept", "err", err)
		}
		t.last = now
	case t.errors > 0 && now.since(t.last) > calm:
		t.log.Warn("accept works again", "errors", t.errors)
		t.errors = 0
	}
}

// takePlain gives a connection to a loop as soon as it is its turn.
func (s *Server) takePlain(f front, c newcomer) {
	f.enrolling <- struct{}{}
	go func() {
		defer func() { <-f.enrolling }()
		s.take(c, &gnetWire{})
	}()
}

// take gives a connection that the gate has counted in to a loop.
func (s *Server) take(c newcomer, w *gnetWire) {
	w.guest = c.guest
	err := s.enroll(c.Conn, w)
	if err == nil {
		return
	}
	if !errors.Is(err, net.ErrClosed) { // as the gate does with one that must go
		s.log.Error("accepted connection was lost", "err", err)
	}
	s.gate.leave(c.guest)
}

// turnAway answers a connection for which there is no descriptor to spare. Its socket is new and takes the few bytes at
// once or not at all.
func turnAway(c net.Conn) {
	c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	c.Write(fullReply)
	c.Close()
}

var fullReply = []byte("HTTP/1.0 503 Service Unavailable\r\nServer: " + viewerServer +
	"\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

const (
	// Bytes that the kernel holds unsent for a viewer: a round of 2 Mbit/s. By default 3 MB pile up for one that stalls.
	notSentLowat = 64 << 10
	userTimeout  = 30_000 // ms that sent data may stay unacknowledged before the kernel gives the peer up
)

// listenerOptions sets what accepted sockets inherit.
func listenerOptions(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		for _, o := range []struct {
			name              string
			level, opt, value int
		}{
			{"TCP_NOTSENT_LOWAT", unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
			{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
			{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		} {
			if err := unix.SetsockoptInt(int(fd), o.level, o.opt, o.value); err != nil {
				failed = fmt.Errorf("%s: %w", o.name, os.NewSyscallError("setsockopt", err))
				return
			}
		}
	})
	return errors.Join(err, failed)
}
