package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A reactor turns gnet's callbacks into calls on our loops. It decides nothing.
type reactor struct {
	gnet.BuiltinEventEngine
	s        *Server
	seats    []*seat
	choosing sync.Mutex // held while gnet chooses a loop
}

// A seat is one of our loops and the event loop of gnet's that runs it, once a connection has shown which that is.
type seat struct {
	loop   *loop
	el     atomic.Pointer[gnet.EventLoop]
	inside atomic.Int64 // connections
}

// quietest is the seat with the fewest connections; those without an event loop come first.
func (r *reactor) quietest() *seat {
	least := r.seats[0]
	for _, t := range r.seats {
		if t.el.Load() == nil {
			return t
		}
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

// seat finds the loop that runs on el.
func (r *reactor) seat(el gnet.EventLoop) *loop {
	for i := range r.seats {
		t := r.seats[i]
		if t.el.Load() == nil && t.el.CompareAndSwap(nil, &el) {
			t.kick() // whatever was posted before
		}
		if *t.el.Load() == el {
			return t.loop
		}
	}
	panic("gnet has more event loops than were asked for")
}

func (r *reactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	l := r.seat(g.EventLoop())
	w := g.Context().(*gnetWire)
	from := g.RemoteAddr().(*net.TCPAddr).AddrPort()
	d := door{wire: w, fd: g.Fd(), remote: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
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

func (r *reactor) OnTraffic(g gnet.Conn) gnet.Action {
	w := g.Context().(*gnetWire)
	l := w.c.loop
	if w.tls != nil {
		w.tls.arrived(l.clock.now())
	} else {
		l.traffic(w.c, l.clock.now())
	}
	return gnet.None
}

func (r *reactor) OnClose(g gnet.Conn, _ error) gnet.Action {
	w := g.Context().(*gnetWire)
	w.conn = nil
	if !w.freed {
		w.c.loop.closed(w.c)
		w.c.loop.left()
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

// A gnetWire is a wire on a gnet connection.
type gnetWire struct {
	conn  gnet.Conn // nil: gnet has not opened it yet, or has let go of it
	c     *conn
	tls   *tlsWire // above it; nil: c speaks plainly
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
	c, err := gnet.NewClient(s.reactor,
		gnet.WithNumEventLoop(len(s.node.loops)),
		gnet.WithTicker(true),
		gnet.WithLockOSThread(true), // for threadTime
		gnet.WithLogger(gnetLog{s.log}),
	)
	if err != nil {
		return err
	}
	s.gnet = c
	return c.Start()
}

// enroll gives an accepted connection to the loop that has the fewest, with w for its wire.
func (s *Server) enroll(c net.Conn, w *gnetWire) error {
	t := s.reactor.quietest()
	el := t.el.Load()
	if el == nil {
		return s.enrollAnywhere(c, w)
	}
	t.inside.Add(1)
	done, err := (*el).Enroll(gnet.NewContext(context.Background(), w), c)
	if err == nil {
		err = (<-done).Err
	}
	if err == nil && w.c == nil {
		err = errNotOpened
	}
	if err != nil {
		c.Close()
		t.inside.Add(-1)
	}
	return err
}

// enrollAnywhere gives a connection to the loop that gnet chooses: the next one each time, so that soon all have shown
// themselves. gnet's choice is not safe for several goroutines.
func (s *Server) enrollAnywhere(c net.Conn, w *gnetWire) error {
	s.reactor.choosing.Lock()
	defer s.reactor.choosing.Unlock()
	if _, err := s.gnet.EnrollContext(c, w); err != nil {
		return err
	}
	if w.c == nil {
		return errNotOpened
	}
	s.reactor.seats[w.c.loop.id].inside.Add(1)
	return nil
}

var errNotOpened = errors.New("gnet did not open it")

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
