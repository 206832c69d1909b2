package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A reactor turns gnet's callbacks into calls on our loops. It decides nothing but the one thing that gnet leaves it no
// choice in: whether a connection fits under the descriptor limit.
type reactor struct {
	gnet.BuiltinEventEngine
	s     *Server
	seats []seat
}

// A seat is one of our loops and the event loop of gnet's that runs it, once a connection has shown which that is.
type seat struct {
	loop *loop
	el   atomic.Pointer[gnet.EventLoop]
}

// kick makes gnet run the loop's work. It is a loop's kick; a loop without connections has nothing to do.
func (t *seat) kick() {
	if el := t.el.Load(); el != nil {
		_ = (*el).Execute(context.Background(), gnet.RunnableFunc(t.work)) // fails only in shutdown
	}
}

func (t *seat) work(context.Context) error {
	t.loop.work(t.loop.clock.now())
	return nil
}

// seat finds the loop that runs on el.
func (r *reactor) seat(el gnet.EventLoop) *loop {
	for i := range r.seats {
		t := &r.seats[i]
		if t.el.Load() == nil && t.el.CompareAndSwap(nil, &el) {
			t.kick() // whatever was posted before
		}
		if *t.el.Load() == el {
			return t.loop
		}
	}
	panic("gnet has more event loops than were asked for")
}

func (r *reactor) OnBoot(eng gnet.Engine) gnet.Action {
	if err := r.s.booted(eng); err != nil {
		r.s.failed = err
		return gnet.Shutdown
	}
	return gnet.None
}

func (r *reactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	if !r.s.gate.enter() {
		return fullReply, gnet.Close
	}
	l := r.seat(g.EventLoop())
	w := &gnetWire{conn: g}
	remote := g.RemoteAddr().(*net.TCPAddr).AddrPort()
	w.c = l.open(door{wire: w, fd: g.Fd(), remote: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())}, l.clock.now())
	g.SetContext(w)
	return nil, gnet.None
}

func (r *reactor) OnTraffic(g gnet.Conn) gnet.Action {
	if w, ok := g.Context().(*gnetWire); ok {
		l := w.c.loop
		l.traffic(w.c, l.clock.now())
	}
	return gnet.None
}

func (r *reactor) OnClose(g gnet.Conn, _ error) gnet.Action {
	r.s.gate.leave()
	if w, ok := g.Context().(*gnetWire); ok {
		w.dead = true
		w.c.loop.closed(w.c)
	}
	return gnet.None
}

// OnTick runs on a goroutine of its own, not on a loop: it only rings.
func (r *reactor) OnTick() (time.Duration, gnet.Action) {
	for i := range r.seats {
		r.seats[i].loop.wake()
	}
	return choreInterval, gnet.None
}

// fullReply goes to a connection for which there is no descriptor to spare.
var fullReply = []byte("HTTP/1.0 503 Service Unavailable\r\nServer: " + viewerServer +
	"\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

// A gnetWire is a wire on a gnet connection.
type gnetWire struct {
	conn gnet.Conn
	c    *conn
	dead bool // gnet has let go of it; conn must not be touched
}

func (w *gnetWire) peek() []byte {
	if w.dead {
		return nil
	}
	b, _ := w.conn.Peek(-1)
	return b
}

func (w *gnetWire) discard(n int) {
	if n > 0 && !w.dead { // gnet takes 0 for everything
		_, _ = w.conn.Discard(n)
	}
}

func (w *gnetWire) write(b []byte) {
	if !w.dead {
		_, _ = w.conn.Write(b) // an error comes back as OnClose
	}
}

func (w *gnetWire) unsent() int {
	if w.dead {
		return 0
	}
	return w.conn.OutboundBuffered()
}

func (w *gnetWire) shut() {
	if !w.dead {
		_ = unix.Shutdown(w.conn.Fd(), unix.SHUT_WR)
	}
}

func (w *gnetWire) close(abort bool) {
	if w.dead {
		return
	}
	if abort {
		_ = w.conn.SetLinger(0)
	}
	_ = w.conn.EventLoop().Close(w.conn)
}

// serve runs gnet until stop is called; it returns when all its loops have ended.
func (s *Server) serve() error {
	addrs := make([]string, len(s.cfg.Server.Listen))
	for i, a := range s.cfg.Server.Listen {
		if err := tryListen(a); err != nil {
			return err
		}
		addrs[i] = "tcp://" + a
	}
	err := gnet.Rotate(s.reactor, addrs,
		gnet.WithNumEventLoop(len(s.node.loops)),
		gnet.WithReuseAddr(true),
		gnet.WithTicker(true),
		gnet.WithLogger(gnetLog{s.log}),
	)
	if s.failed != nil {
		return s.failed
	}
	return err
}

// tryListen finds out whether an address can be had: gnet's own error does not name it.
func tryListen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}

// booted sets what accepted sockets inherit from their listeners and learns the addresses.
func (s *Server) booted(eng gnet.Engine) error {
	for _, a := range s.cfg.Server.Listen {
		fd, err := eng.DupListener("tcp", a)
		if err != nil {
			return fmt.Errorf("listen %s: %w", a, err)
		}
		if err := setListenerOptions(fd); err != nil {
			return fmt.Errorf("listen %s: %w", a, err)
		}
		addr, err := boundAddr(fd)
		if err != nil {
			return fmt.Errorf("listen %s: %w", a, err)
		}
		s.addrs = append(s.addrs, addr)
		s.gate.listeners = append(s.gate.listeners, fd)
	}
	s.stop = func() { _ = eng.Stop(context.Background()) }
	close(s.ready)
	return nil
}

const (
	notSentLowat = 32 << 10 // bytes the kernel holds unsent for a viewer; its default of 2 GB would let 3 MB pile up
	userTimeout  = 30_000   // ms that sent data may stay unacknowledged before the kernel gives the peer up
)

func setListenerOptions(fd int) error {
	for _, o := range [][3]int{
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
	} {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

func boundAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("getsockname: %T", sa)
}

// gnetLog brings gnet's own log into ours. It is talkative about connections that come and go.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any)  {}
func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
