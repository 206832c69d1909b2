package server

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// As in gnet_test.go: beliefs about how connections come into gnet and leave it.

// With ReusePort a loop accepts one connection and opens it at once, on the loop. Hence the gate in OnOpen sees each
// one before the next has a descriptor.
func TestGnetOpensBeforeItAcceptsMore(t *testing.T) {
	opens, go1 := make(chan int), make(chan struct{})
	g := startGnet(t, &gnetEvents{open: func(gnet.Conn) ([]byte, gnet.Action) {
		opens <- unix.Gettid()
		<-go1
		return nil, gnet.None
	}}, gnet.WithLockOSThread(true))
	const clients = 5
	for range clients {
		c, err := net.Dial("tcp", g.addr) // into the kernel's queue
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	thread := await(t, opens, "the first OnOpen")
	for i := range clients {
		if n := g.engine.CountConnections(); n != i+1 {
			t.Errorf("in OnOpen number %d: %d connections, want %d", i+1, n, i+1)
		}
		go1 <- struct{}{}
		if i == clients-1 {
			break
		}
		if next := await(t, opens, "the next OnOpen"); next != thread {
			t.Errorf("OnOpen on thread %d, then on %d", thread, next)
		}
	}
}

// One that OnOpen refuses is sent what was written to its socket, and closed; OnClose is told of it with no context.
func TestGnetRefusalInOpen(t *testing.T) {
	closed := make(chan any, 1)
	g := startGnet(t, &gnetEvents{
		open: func(c gnet.Conn) ([]byte, gnet.Action) {
			turnAway(c.Fd(), fullReply)
			return nil, gnet.Close
		},
		closed: func(c gnet.Conn, _ error) { closed <- c.Context() },
	})
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != string(fullReply) || err != nil {
		t.Errorf("%q, %v, want %q", got, err, fullReply)
	}
	if ctx := await(t, closed, "OnClose"); ctx != nil {
		t.Errorf("context %v, want none", ctx)
	}
	if n := g.engine.CountConnections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// The first tick comes when every loop listens. Hence it says that the server is ready.
func TestGnetTicksWhenAllListen(t *testing.T) {
	const loops = 8
	port := freePort(t)
	at := make(chan error, 1)
	cb := &gnetEvents{open: func(gnet.Conn) ([]byte, gnet.Action) { return nil, gnet.None }}
	var once atomic.Bool
	cb.tick = func() {
		if once.CompareAndSwap(false, true) {
			at <- wantListeners(port, loops)
		}
	}
	startGnetOn(t, cb, []string{port.String()}, gnet.WithNumEventLoop(loops), gnet.WithTicker(true))
	if err := await(t, at, "the first tick"); err != nil {
		t.Error(err)
	}
}

// OnShutdown comes while the loops still run and connections are open. Hence it is the moment from which nobody may be
// woken: soon the descriptors that wake loops are closed.
func TestGnetShutdownComesFirst(t *testing.T) {
	var order []string
	g := startGnet(t, &gnetEvents{
		ends:   func() { order = append(order, "OnShutdown") },
		closed: func(gnet.Conn, error) { order = append(order, "OnClose") },
	})
	g.connect(t)
	g.stop()
	await(t, g.done, "the end of Run")
	if want := []string{"OnShutdown", "OnClose"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// An engine ends though connections wait in the kernel's queue; those are reset.
func TestGnetStopsWithConnectionsWaiting(t *testing.T) {
	opened, release := make(chan struct{}, 1), make(chan struct{})
	g := startGnet(t, &gnetEvents{open: func(gnet.Conn) ([]byte, gnet.Action) {
		select {
		case opened <- struct{}{}:
		default:
		}
		<-release
		return nil, gnet.None
	}})
	var all []net.Conn
	for range 20 {
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, c)
	}
	await(t, opened, "the first OnOpen")
	g.stop()
	close(release)
	await(t, g.done, "the end of Run")
	for i, c := range all {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) && err != io.EOF {
			t.Errorf("connection %d: %v, want its end", i, err)
		}
	}
}

// A client that hangs up is told of, in whatever way, though nothing is sent to it or asked of it, and though another
// epoll instance has its descriptor as well. Hence viewers need nobody else who looks.
func TestGnetTellsOfHangUps(t *testing.T) {
	closed := make(chan error, 1)
	g := startGnet(t, &gnetEvents{closed: func(_ gnet.Conn, err error) { closed <- err }})
	w, err := newWatcher(func([]unix.EpollEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, hangUp := range []func(*net.TCPConn){
		func(c *net.TCPConn) { c.Close() },
		func(c *net.TCPConn) { c.CloseWrite() },
		reset,
	} {
		for _, watched := range []bool{false, true} {
			client, c := g.connect(t)
			if watched {
				onLoop(t, c, func() {
					if err := w.arm(int32(c.Fd())); err != nil {
						t.Error(err)
					}
				})
			}
			hangUp(client)
			await(t, closed, "OnClose")
		}
	}
}

// Register brings an accepted connection to the loop that has the fewest, with its context, and says when OnOpen has
// had it. It needs a listener; without one gnet calls itself a client, which is the same engine.
func TestGnetRegister(t *testing.T) {
	const loops = 3
	type passenger struct{ loop gnet.EventLoop }
	ticks := make(chan struct{})
	cb := &gnetEvents{open: func(c gnet.Conn) ([]byte, gnet.Action) {
		if p, ok := c.Context().(*passenger); ok {
			p.loop = c.EventLoop()
		}
		return nil, gnet.None
	}, tick: func() {
		select {
		case ticks <- struct{}{}:
		default:
		}
	}}
	options := []gnet.Option{
		gnet.WithNumEventLoop(loops), gnet.WithLoadBalancing(gnet.LeastConnections), gnet.WithTicker(true),
		gnet.WithLogger(&gnetLog{}),
	}
	g := startGnet(t, cb, options...)
	await(t, ticks, "the first tick") // before that there are no loops
	cb.booted = make(chan gnetBoot, 1)
	client, err := gnet.NewClient(cb, options...)
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer client.Stop()
	without := await(t, cb.booted, "OnBoot").engine
	if _, err := without.Register(t.Context()); err == nil {
		t.Error("Register works without a listener")
	}
	for name, register := range map[string]func(net.Conn, *passenger) error{
		"Register": func(c net.Conn, p *passenger) error {
			ctx := gnet.NewContext(gnet.NewNetConnContext(context.Background(), c), p)
			result, err := g.engine.Register(ctx)
			if err != nil {
				return err
			}
			return (<-result).Err
		},
		"EnrollContext": func(c net.Conn, p *passenger) error {
			_, err := client.EnrollContext(c, p)
			return err
		},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		seen := map[gnet.EventLoop]int{}
		for range 2 * loops {
			far, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			near, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			var p passenger
			if err := register(near, &p); err != nil || p.loop == nil {
				t.Fatalf("%s: %v, opened: %v", name, err, p.loop != nil)
			}
			seen[p.loop]++
		}
		for _, n := range seen {
			if len(seen) != loops || n != 2 {
				t.Errorf("%s: connections by loop: %v", name, seen)
			}
		}
	}
}
