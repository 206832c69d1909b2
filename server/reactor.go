package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A seat is where gnet runs one of our loops: an event loop of its own, so that we choose to which a connection goes.
// It turns gnet's callbacks into calls on the loop and decides nothing.
type seat struct {
	gnet.BuiltinEventEngine
	loop   *loop
	client *gnet.Client                   // with one event loop; set by startGnet
	el     atomic.Pointer[gnet.EventLoop] // that; known once a connection has shown it
	inside atomic.Int64                   // connections
}

// quietest is the seat with the fewest connections.
func (s *Server) quietest() *seat {
	least := s.seats[0]
	for _, t := range s.seats[1:] {
		if t.inside.Load() < least.inside.Load() {
			least = t
		}
	}
	return least
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

func (t *seat) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	if t.el.Load() == nil {
		el := g.EventLoop()
		t.el.Store(&el)
		t.kick() // whatever was posted before
	}
	l := t.loop
	w := g.Context().(*gnetWire)
	from := g.RemoteAddr().(*net.TCPAddr).AddrPort()
	d := door{wire: w, fd: g.Fd(), remote: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), guest: w.guest}
	w.conn = g
	if w.tls == nil {
		w.c = l.open(d, l.clock.now())
		return nil, gnet.None
	}
	d.wire = w.tls
	w.c = l.open(d, l.clock.now())
	w.tls.open(w.c, w)
	w.tls.arrived(l.clock.now()) // a request may have come with the end of the handshake
	return nil, gnet.None
}

func (t *seat) OnTraffic(g gnet.Conn) gnet.Action {
	w := g.Context().(*gnetWire)
	l := t.loop
	if l.pending.Load() { // a round does not wait for all who come in a herd
		if l.work(l.clock.now()); w.conn == nil {
			return gnet.None
		}
	}
	if w.tls != nil {
		w.tls.arrived(l.clock.now())
	} else {
		l.traffic(w.c, l.clock.now())
	}
	return gnet.None
}

func (t *seat) OnClose(g gnet.Conn, _ error) gnet.Action {
	w := g.Context().(*gnetWire)
	w.conn = nil
	if !w.freed {
		t.loop.closed(w.c)
		t.loop.left(w.c)
	}
	return gnet.None
}

// OnTick runs on a goroutine of its own, not on the loop: it only rings.
func (t *seat) OnTick() (time.Duration, gnet.Action) {
	t.loop.wake()
	return choreInterval, gnet.None
}

// A gnetWire is a wire on a gnet connection.
type gnetWire struct {
	conn  gnet.Conn // nil: gnet has not opened it yet, or has let go of it
	c     *conn
	tls   *tlsWire // above it; nil: c speaks plainly
	guest *guest   // of the gate
	freed bool     // the socket lives on without gnet
}

func (w *gnetWire) peek() []byte {
	if w.conn == nil {
		return nil
	}
	b, _ := w.conn.Peek(-1)
	return b
}

func (w *gnetWire) discard(n int) {
	if n > 0 && w.conn != nil { // gnet takes 0 for everything
		_, _ = w.conn.Discard(n)
	}
}

func (w *gnetWire) write(b []byte) {
	if w.conn != nil {
		_, _ = w.conn.Write(b) // an error comes back as OnClose
	}
}

func (w *gnetWire) try(a, b []byte) int {
	if w.conn == nil || w.unsent() > 0 {
		return 0
	}
	n, _ := sendBoth(w.conn.Fd(), a, b) // of a dead socket gnet will tell
	return n
}

func (w *gnetWire) unsent() int {
	if w.conn == nil {
		return 0
	}
	return w.conn.OutboundBuffered()
}

func (w *gnetWire) shut() {
	if w.conn != nil {
		_ = unix.Shutdown(w.conn.Fd(), unix.SHUT_WR)
	}
}

func (w *gnetWire) close(abort bool) {
	if w.conn == nil {
		return
	}
	if abort {
		_ = w.conn.SetLinger(0)
	}
	_ = w.conn.EventLoop().Close(w.conn)
}

// free has gnet close its descriptor; the socket lives on behind another one.
func (w *gnetWire) free() (fd int, ok bool) {
	if w.conn == nil || w.unsent() > 0 {
		return 0, false
	}
	fd, err := unix.FcntlInt(uintptr(w.conn.Fd()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	w.freed = true
	_ = w.conn.EventLoop().Close(w.conn)
	return fd, true
}

// startGnet starts the event loops. gnet calls an engine without listeners a client.
func (s *Server) startGnet() error {
	for _, t := range s.seats {
		c, err := gnet.NewClient(t,
			gnet.WithNumEventLoop(1),
			gnet.WithTicker(true),
			gnet.WithLockOSThread(true), // for threadTime
			gnet.WithLogger(gnetLog{s.log}),
		)
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			return errors.Join(err, s.stopGnet())
		}
		t.client = c
	}
	return nil
}

// stopGnet ends the event loops that run; their connections are closed.
func (s *Server) stopGnet() (err error) {
	for _, t := range s.seats {
		if t.client != nil {
			err = errors.Join(err, t.client.Stop())
		}
	}
	return err
}

// enroll gives an accepted connection to the loop that has the fewest, with w for its wire. gnet would count only those
// that it has opened and still has, which leaves out viewers and whoever waits while a loop is in a round.
func (s *Server) enroll(c net.Conn, w *gnetWire) error {
	t := s.quietest()
	t.inside.Add(1)
	_, err := t.client.EnrollContext(c, w)
	if err == nil && w.c == nil {
		err = errors.New("gnet did not open it")
	}
	if err != nil {
		t.inside.Add(-1)
	}
	return err
}

// gnetLog brings gnet's own log into ours. It is talkative about connections that come and go.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any)  {}
func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Debug("gnet", "says", fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Error("gnet", "says", fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("gnet", "says", fmt.Sprintf(format, args...))
}
