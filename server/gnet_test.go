package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// Every test here pins one belief about gnet 2.10.0 that the server is built on, against the real engine. When one of
// them fails after an upgrade, the code that holds the belief has to change with it.

// gnet tells nobody that a socket became writable, keeps whatever it is given and knows no deadlines. Hence cursors,
// our own watcher for blocked viewers, and our own clocks.
func TestGnetBuffersWithoutBound(t *testing.T) {
	var calls atomic.Int32
	g := startGnet(t, &gnetEvents{each: func() { calls.Add(1) }})
	client, c := g.connect(t)
	const bound = 16 << 20 // 256 times the default WriteBufferCap
	chunk := make([]byte, 1<<20)
	written := 0
	onLoop(t, c, func() {
		for c.OutboundBuffered() < bound {
			n, err := c.Write(chunk)
			if n != len(chunk) || err != nil {
				t.Errorf("Write with %d bytes pending: got %d, %v, want %d, nil", c.OutboundBuffered(), n, err, len(chunk))
				return
			}
			written += n
		}
	})
	before := calls.Load()
	if _, err := io.CopyN(io.Discard, client, int64(written)); err != nil {
		t.Fatalf("reading what was buffered: %v", err)
	}
	onLoop(t, c, func() {
		if n := c.OutboundBuffered(); n != 0 {
			t.Errorf("client has all %d bytes, still buffered: %d", written, n)
		}
		if err := c.SetWriteDeadline(time.Now()); err == nil {
			t.Error("SetWriteDeadline works now")
		}
	})
	if n := calls.Load() - before; n != 0 {
		t.Errorf("%d callbacks while the buffer drained, want none", n)
	}

	var names []string
	for m := range reflect.TypeFor[gnet.EventHandler]().Methods() {
		names = append(names, m.Name)
	}
	if want := []string{"OnBoot", "OnClose", "OnOpen", "OnShutdown", "OnTick", "OnTraffic"}; !slices.Equal(names, want) {
		t.Errorf("callbacks %q, want %q", names, want)
	}
}

// Execute has a fast queue of 1,024 tasks and a slow one for the rest. What comes later finds room in the fast one and
// overtakes. Hence Execute carries nothing, it only wakes a loop that then looks into its mailbox.
func TestGnetExecuteReorders(t *testing.T) {
	g := startGnet(t, &gnetEvents{})
	_, c := g.connect(t)
	const fast, all, late = 1024, 1500, -1
	var order []int
	done := make(chan struct{})
	note := func(i int) gnet.RunnableFunc {
		return func(context.Context) error { order = append(order, i); return nil }
	}
	onLoop(t, c, func() { // the loop is ours meanwhile, so the tasks pile up
		execute(t, c, func() { execute(t, c, func() { order = append(order, late) }) })
		for i := 1; i < all; i++ {
			if err := c.EventLoop().Execute(t.Context(), note(i)); err != nil {
				t.Errorf("Execute %d: %v", i, err)
			}
		}
		execute(t, c, func() { close(done) }) // the slow queue itself keeps its order
	})
	await(t, done, "the last task")
	if len(order) != all { // 1 to all-1 and the late one
		t.Fatalf("%d tasks ran, want %d", len(order), all)
	}
	if i, last := slices.Index(order, late), slices.Index(order, all-1); i != fast-1 || last < i {
		t.Errorf("the task posted last ran as number %d, want %d, before those that did not fit (last of them %d)", i, fast-1,
			last)
	}
}

// A task that posts itself again is run at once, before any socket is looked at. Hence a pending flag, never a re-post.
func TestGnetRepostStarvesSockets(t *testing.T) {
	var traffic atomic.Int32
	seen := make(chan struct{}, 1)
	g := startGnet(t, &gnetEvents{traffic: func(c gnet.Conn) {
		traffic.Add(1)
		seen <- struct{}{}
	}})
	client, c := g.connect(t)
	const turns = 10_000
	done := make(chan int32, 1)
	var again func(n int)
	again = func(n int) {
		if n == turns {
			done <- traffic.Load()
			return
		}
		execute(t, c, func() { again(n + 1) })
	}
	onLoop(t, c, func() {
		client.Write([]byte("x"))
		waitFD(t, c.Fd(), unix.POLLIN)
		again(0)
	})
	if n := await(t, done, "the last re-post"); n != 0 {
		t.Errorf("OnTraffic ran %d times between %d re-posts, want 0", n, turns)
	}
	await(t, seen, "OnTraffic after the re-posts")
}

// With LockOSThread a loop is one thread, so that the thread's CPU time is the loop's.
func TestGnetLoopKeepsItsThread(t *testing.T) {
	g := startGnet(t, &gnetEvents{}, gnet.WithLockOSThread(true))
	_, c := g.connect(t)
	stop := make(chan struct{})
	defer close(stop)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		}()
	}
	onLoop(t, c, func() {
		first := unix.Gettid()
		for range 1000 {
			runtime.Gosched()
			if now := unix.Gettid(); now != first {
				t.Errorf("thread %d, then %d", first, now)
				return
			}
		}
	})
}

// OnTick comes on a goroutine of its own: here it ticks while the only loop stands still. Hence it rings and touches
// nothing.
func TestGnetTicksOffLoop(t *testing.T) {
	ticks := make(chan struct{})
	stop := make(chan struct{})
	g := startGnet(t, &gnetEvents{tick: func() {
		select {
		case ticks <- struct{}{}:
		case <-stop:
		}
	}}, gnet.WithTicker(true))
	_, c := g.connect(t)
	onLoop(t, c, func() {
		for range 3 {
			await(t, ticks, "a tick while the loop is blocked")
		}
	})
	close(stop)
}

// A write that fails closes the connection and calls OnClose before it returns. Hence a round marks, a sweep removes.
func TestGnetWriteClosesInside(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(gnet.Conn) (int, error)
	}{
		{"Write", func(c gnet.Conn) (int, error) { return c.Write([]byte("x")) }},
		{"Writev", func(c gnet.Conn) (int, error) { return c.Writev([][]byte{[]byte("x"), []byte("y")}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inside, closedInside := false, false
			g := startGnet(t, &gnetEvents{closed: func(gnet.Conn, error) { closedInside = inside }})
			client, c := g.connect(t)
			onLoop(t, c, func() {
				reset(client)
				waitFD(t, c.Fd(), unix.POLLHUP)
				inside = true
				_, err := tt.write(c)
				inside = false
				if err == nil || !closedInside {
					t.Errorf("write to a dead peer: error %v, OnClose inside %t, want an error and true", err, closedInside)
				}
			})
		})
	}
}

// Writev shortens the caller's slices when the socket takes a part. Hence a batch is built anew for each viewer.
func TestGnetWritevEditsBatch(t *testing.T) {
	g := startGnet(t, &gnetEvents{})
	_, c := g.connect(t)
	const size = 8 << 20 // more than a socket takes
	batch := [][]byte{make([]byte, size)}
	onLoop(t, c, func() {
		c.SetWriteBuffer(64 << 10)
		if n, err := c.Writev(batch); n != size || err != nil {
			t.Errorf("Writev: got %d, %v, want %d, nil", n, err, size)
		}
		if len(batch[0]) == size || len(batch[0]) != c.OutboundBuffered() {
			t.Errorf("caller's slice: %d bytes left, %d buffered, want the same, less than %d", len(batch[0]),
				c.OutboundBuffered(), size)
		}
	})
}

// A direct write to the descriptor overtakes what gnet still holds, so OutboundBuffered must be 0 before the first one.
func TestGnetDirectSendOvertakes(t *testing.T) {
	g := startGnet(t, &gnetEvents{})
	client, c := g.connect(t)
	const size = 8 << 20
	onLoop(t, c, func() {
		c.Write(bytes.Repeat([]byte("a"), size))
		held := c.OutboundBuffered()
		if held == 0 {
			t.Errorf("the socket took %d bytes at once", size)
		}
		io.CopyN(io.Discard, client, int64(size-held))
		waitFD(t, c.Fd(), unix.POLLOUT)
		if err := unix.Sendto(c.Fd(), []byte("B"), unix.MSG_DONTWAIT, nil); err != nil {
			t.Errorf("direct send: %v", err)
		}
		var first [1]byte
		if io.ReadFull(client, first[:]); first != [1]byte{'B'} {
			t.Errorf("next byte at the client %q, want the direct one", first)
		}
	})
}

// With nothing buffered a direct send works on the conn's own loop, and one that fails leaves the closing to gnet.
// Hence a send error needs no action of ours.
func TestGnetReportsHangupAfterDirectSend(t *testing.T) {
	closed := make(chan error, 1)
	g := startGnet(t, &gnetEvents{closed: func(_ gnet.Conn, err error) { closed <- err }})
	client, c := g.connect(t)
	onLoop(t, c, func() {
		if err := unix.Sendto(c.Fd(), []byte("hello"), unix.MSG_DONTWAIT, nil); err != nil {
			t.Errorf("direct send: %v", err)
		}
		got := make([]byte, 5)
		if io.ReadFull(client, got); string(got) != "hello" {
			t.Errorf("client got %q, want %q", got, "hello")
		}
		reset(client)
		waitFD(t, c.Fd(), unix.POLLHUP)
		if err := unix.Sendto(c.Fd(), []byte("x"), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil); err == nil {
			t.Error("direct send to a dead peer worked")
		}
		if len(closed) != 0 {
			t.Error("OnClose ran inside a direct send")
		}
	})
	await(t, closed, "OnClose")
}

// Bytes from Peek and Next lie in a buffer that the whole loop shares. Hence they are copied once, into a chain
// element.
func TestGnetReadBytesDieWithCallback(t *testing.T) {
	for _, tt := range []struct {
		name string
		read func(gnet.Conn) []byte
	}{
		{"Peek", func(c gnet.Conn) []byte { b, _ := c.Peek(-1); c.Discard(-1); return b }},
		{"Next", func(c gnet.Conn) []byte { b, _ := c.Next(-1); return b }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var kept []byte
			read := make(chan struct{}, 1)
			g := startGnet(t, &gnetEvents{traffic: func(c gnet.Conn) {
				if b := tt.read(c); kept == nil {
					kept = b
				}
				read <- struct{}{}
			}})
			one, c := g.connect(t)
			two, _ := g.connect(t)
			one.Write([]byte("first"))
			await(t, read, "the first bytes")
			two.Write([]byte("other"))
			await(t, read, "the second bytes")
			onLoop(t, c, func() {
				if string(kept) != "other" {
					t.Errorf("bytes kept from one connection: %q, want those of the other, %q", kept, "other")
				}
			})
		})
	}
}

// What is set on a listener holds for the sockets that it accepts, but gnet gives only the listeners of its first event
// loop away, by Engine.DupListener in OnBoot. Hence options are set on each accepted socket.
func TestGnetGivesOnlyTheFirstLoopsListeners(t *testing.T) {
	const option, value, loops = unix.TCP_NOTSENT_LOWAT, 12345, 3
	addr := freePort(t).String()
	g := startGnetOn(t, &gnetEvents{boot: func(e gnet.Engine) {
		fd, err := e.DupListener("tcp", addr)
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, option, value)
			unix.Close(fd)
		}
		if err != nil {
			t.Errorf("the listener's duplicate: %v", err)
		}
	}}, []string{addr}, gnet.WithNumEventLoop(loops))
	set, seen := 0, map[gnet.EventLoop]bool{}
	for len(seen) < loops {
		_, c := g.connect(t)
		if seen[c.EventLoop()] {
			continue
		}
		seen[c.EventLoop()] = true
		onLoop(t, c, func() {
			if v, _ := unix.GetsockoptInt(c.Fd(), unix.IPPROTO_TCP, option); v == value {
				set++
			}
		})
	}
	if set != 1 {
		t.Errorf("%d of %d loops accept sockets that have the option, want 1", set, loops)
	}
}

// An accept that finds no descriptor left stops the whole engine, and Run calls that a success; only the log says why.
// Hence the limit is raised, connections are capped below it, and a stop nobody asked for is a crash.
func TestGnetStopsWithoutDescriptors(t *testing.T) {
	const child = "PUMPD_TEST_NO_DESCRIPTORS"
	const sign = "Run returned <nil>: Accept() failed due to error: too many open files"
	if os.Getenv(child) != "" {
		g := runOutOfDescriptors(t)
		fmt.Printf("Run returned %v: %s\n", g.err, *g.log.complaint.Load())
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The limit is the process's, so this needs one of its own.
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), child+"=1", "GORACE=atexit_sleep_ms=0") // -race else waits a second at exit
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte(sign)) {
		t.Errorf("child: %v, want %q in\n%s", err, sign, out)
	}
}

// runOutOfDescriptors leaves the process without a free descriptor, connects, and returns when Run has returned.
func runOutOfDescriptors(t *testing.T) *gnetRun {
	g := startGnet(t, &gnetEvents{})
	g.connect(t) // so the engine is up and needs no more descriptors for itself
	addr, err := net.ResolveTCPAddr("tcp4", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) // needed later, when there are none
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(client)
	lowest, err := unix.Dup(client)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(lowest)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = uint64(lowest) // new descriptors must be below it, and all of those are taken
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(client, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	await(t, g.done, "the end of Run")
	return g
}

// A stop that was asked for looks the same from outside, so the server has to know that it asked.
func TestGnetStopReturnsNil(t *testing.T) {
	g := startGnet(t, &gnetEvents{})
	g.stop()
	await(t, g.done, "the end of Run")
	if g.err != nil {
		t.Errorf("Run after Stop: %v, want nil", g.err)
	}
}

// gnetEvents is a handler whose parts a test sets; each is called before every other.
type gnetEvents struct {
	each    func()
	boot    func(gnet.Engine)
	traffic func(gnet.Conn)
	closed  func(gnet.Conn, error)
	tick    func()
	open    func(gnet.Conn) ([]byte, gnet.Action) // in place of opened
	ends    func()                                // OnShutdown

	listener string // one of those given to Rotate
	opened   chan gnet.Conn
	booted   chan gnetBoot
}

type gnetBoot struct {
	engine gnet.Engine
	addr   string
	err    error
}

// OnBoot is the only place for Engine.Dup: later it races with a stop.
func (cb *gnetEvents) OnBoot(e gnet.Engine) gnet.Action {
	if cb.boot != nil {
		cb.boot(e)
	}
	addr, err := listenerAddr(e, cb.listener)
	cb.booted <- gnetBoot{e, addr, err}
	return gnet.None
}

func (cb *gnetEvents) OnShutdown(gnet.Engine) {
	if cb.ends != nil {
		cb.ends()
	}
}

func (cb *gnetEvents) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	cb.any()
	if cb.open != nil {
		return cb.open(c)
	}
	cb.opened <- c
	return nil, gnet.None
}

func (cb *gnetEvents) OnTraffic(c gnet.Conn) gnet.Action {
	cb.any()
	if cb.traffic != nil {
		cb.traffic(c)
	}
	return gnet.None
}

func (cb *gnetEvents) OnClose(c gnet.Conn, err error) gnet.Action {
	cb.any()
	if cb.closed != nil {
		cb.closed(c, err)
	}
	return gnet.None
}

func (cb *gnetEvents) OnTick() (time.Duration, gnet.Action) {
	cb.tick()
	return time.Millisecond, gnet.None
}

func (cb *gnetEvents) any() {
	if cb.each != nil {
		cb.each()
	}
}

// A gnetRun is a running gnet, with a single loop unless an option says more.
type gnetRun struct {
	cb     *gnetEvents
	engine gnet.Engine
	addr   string        // where the last listener is
	done   chan struct{} // closed when Run has returned
	err    error         // what it returned; read after done
	log    *gnetLog
}

func startGnet(t *testing.T, cb *gnetEvents, opts ...gnet.Option) *gnetRun {
	return startGnetOn(t, cb, []string{"127.0.0.1:0"}, opts...)
}

// startGnetOn runs an engine until the test ends.
func startGnetOn(t *testing.T, cb *gnetEvents, addrs []string, opts ...gnet.Option) *gnetRun {
	t.Helper()
	cb.listener = addrs[len(addrs)-1]
	cb.opened, cb.booted = make(chan gnet.Conn, 8), make(chan gnetBoot, 1)
	g := &gnetRun{cb: cb, done: make(chan struct{}), log: &gnetLog{log: slog.New(slog.DiscardHandler)}}
	urls := make([]string, len(addrs))
	for i, a := range addrs {
		urls[i] = "tcp://" + a
	}
	go func() {
		defer close(g.done)
		usual := []gnet.Option{
			gnet.WithNumEventLoop(1), gnet.WithReusePort(true), gnet.WithReuseAddr(true), gnet.WithLogger(g.log),
		}
		g.err = gnet.Rotate(cb, urls, append(usual, opts...)...)
	}()
	boot := await(t, cb.booted, "OnBoot")
	g.engine, g.addr = boot.engine, boot.addr
	t.Cleanup(func() {
		g.stop()
		await(t, g.done, "the end of Run")
	})
	if boot.err != nil {
		t.Fatal(boot.err)
	}
	return g
}

// stop asks for the end without waiting: Engine.Stop looks only every half second whether it has come.
func (g *gnetRun) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g.engine.Stop(ctx)
}

// connect returns both ends of a new connection.
func (g *gnetRun) connect(t *testing.T) (*net.TCPConn, gnet.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client.(*net.TCPConn), await(t, g.cb.opened, "OnOpen")
}

// listenerAddr asks the kernel which port a listener on port 0 got; gnet does not say.
func listenerAddr(e gnet.Engine, given string) (string, error) {
	fd, err := e.DupListener("tcp", given)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return "", err
	}
	in, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return "", fmt.Errorf("listener %s: %T, want IPv4", given, sa)
	}
	return (&net.TCPAddr{IP: in.Addr[:], Port: in.Port}).String(), nil
}

// execute posts f to the conn's loop.
func execute(t *testing.T, c gnet.Conn, f func()) {
	err := c.EventLoop().Execute(t.Context(), gnet.RunnableFunc(func(context.Context) error { f(); return nil }))
	if err != nil {
		t.Errorf("Execute: %v", err)
	}
}

// onLoop runs f on the conn's loop and waits for it. As long as f runs, the engine does nothing else.
func onLoop(t *testing.T, c gnet.Conn, f func()) {
	t.Helper()
	done := make(chan struct{})
	execute(t, c, func() { defer close(done); f() })
	await(t, done, "a task")
}

// await returns what comes from ch, or gives the test up: 30 s are many times what any step here takes, on a machine
// that has much else to do as well.
func await[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(30 * time.Second):
		t.Errorf("%s: not within 30s", what)
		panic("test hangs") // Fatal may not be called on a loop
	}
	return v
}

// waitFD waits until the kernel reports one of events on fd.
func waitFD(t *testing.T, fd int, events int16) {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for fds[0].Revents&events == 0 {
		if n, err := unix.Poll(fds, 30_000); n == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			t.Errorf("descriptor %d: events %#x, %v, want %#x", fd, fds[0].Revents, err, events)
			return
		}
	}
}

// reset closes a connection so that the peer gets RST.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}
