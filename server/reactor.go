package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"pumpd/server/clock"
	"pumpd/server/proxied"
)

// A reactor is gnet's engine, which runs our loops, each in an event loop of gnet's. It turns gnet's callbacks into
// calls on the loop, asks the gate whether a connection may stay, and decides nothing else.
//
//	listener ─▶ accept ─▶ OnOpen: the gate ─▶ conn ─▶ OnTraffic … OnClose
//	TLS handshake ─▶ register ─▶ OnOpen ───────┘
//
// Every event loop has listeners of its own, between which the kernel deals out what comes. It accepts one connection
// and opens it before it looks at anything else, so the gate sees each one before the next has a descriptor: a lack of
// descriptors in accept would end the engine. While a loop is in a round its connections wait in the kernel's queue.
type reactor struct {
	gnet.BuiltinEventEngine

	// Set by newReactor, never changed.
	gate  *gate
	log   *gnetLog
	loops []*eventLoop

	// Of who enrols connections of another process.
	dealt int // to loops

	// Set before listens is closed, never changed.
	engine gnet.Engine
	client *gnet.Client // the engine, where it has no listeners: gnet calls that a client

	listens  chan struct{} // closed when all event loops run, with their listeners
	once     sync.Once     // closes it
	ending   chan struct{} // closed when we end the engine
	done     chan struct{} // closed when the engine has ended
	err      error         // what it ended with; read after done
	stopping atomic.Bool   // newcomers are turned away
	over     atomic.Bool   // the engine is about to end: wakes could reach descriptors that are somebody else's by then
}

// An eventLoop is one of gnet's, and the loop of ours that it runs.
type eventLoop struct {
	reactor *reactor
	loop    *loop
	runs    atomic.Pointer[gnet.EventLoop] // known once a connection has shown it
}

func newReactor(g *gate, log *slog.Logger) *reactor {
	return &reactor{
		gate: g, log: &gnetLog{log: log},
		listens: make(chan struct{}), ending: make(chan struct{}), done: make(chan struct{}),
	}
}

// add makes room for one more loop, to be set before start.
func (r *reactor) add() *eventLoop {
	e := &eventLoop{reactor: r}
	r.loops = append(r.loops, e)
	return e
}

// start has gnet listen on addresses as book gives them. It returns when connections are accepted, or with the reason
// why they are not.
func (r *reactor) start(addrs []string) error {
	go func() {
		r.err = r.run(addrs)
		close(r.done)
	}()
	select {
	case <-r.listens:
		return nil
	case <-r.done:
		return r.why()
	}
}

// run returns when the engine has ended.
func (r *reactor) run(addrs []string) error {
	options := []gnet.Option{
		gnet.WithNumEventLoop(len(r.loops)),
		gnet.WithReusePort(true),
		gnet.WithReuseAddr(true),                      // connections of the process before us may still be there
		gnet.WithLoadBalancing(gnet.LeastConnections), // of those who register: the default's counter has a data race
		gnet.WithTicker(true),
		gnet.WithLockOSThread(true), // for clock.ThreadTime
		gnet.WithLogger(r.log),
	}
	if len(addrs) > 0 {
		return gnet.Rotate(r, addrs, options...)
	}
	var err error
	if r.client, err = gnet.NewClient(r, options...); err != nil {
		return err
	}
	if err = r.client.Start(); err != nil {
		return err
	}
	<-r.ending
	return r.client.Stop()
}

// stop ends the engine and waits for that; its connections are closed. To be called once, after start has returned nil.
func (r *reactor) stop() error {
	r.over.Store(true)
	close(r.ending)
	if r.client == nil {
		asked, cancel := context.WithCancel(context.Background())
		cancel() // else Stop looks every half second whether it is over
		_ = r.engine.Stop(asked)
	}
	<-r.done
	return r.err
}

// why is the reason of an end that nobody asked for. gnet returns nil then as well, but has complained before.
func (r *reactor) why() error {
	if r.err != nil {
		return fmt.Errorf("gnet: %w", r.err)
	}
	if text := r.log.complaint.Load(); text != nil {
		return fmt.Errorf("gnet has stopped: %s", *text)
	}
	return errors.New("gnet has stopped")
}

// OnBoot comes before there are event loops.
func (r *reactor) OnBoot(e gnet.Engine) gnet.Action {
	r.engine = e
	return gnet.None
}

// OnShutdown comes before the event loops end, whoever wanted that.
func (r *reactor) OnShutdown(gnet.Engine) { r.over.Store(true) }

// OnTick runs on a goroutine of its own, not on a loop, and begins when all loops run: it only rings.
func (r *reactor) OnTick() (time.Duration, gnet.Action) {
	r.once.Do(func() { close(r.listens) })
	for _, e := range r.loops {
		e.loop.wake()
	}
	return choreInterval, gnet.None
}

// poke makes gnet run the loop's work. It is a loop's poke; a loop without connections has nothing to do.
func (e *eventLoop) poke() {
	if runs := e.runs.Load(); runs != nil && !e.reactor.over.Load() {
		_ = (*runs).Execute(context.Background(), gnet.RunnableFunc(e.work)) // fails only in shutdown
	}
}

func (e *eventLoop) work(context.Context) error {
	e.loop.work(e.loop.clock.Now())
	return nil
}

// loopOf finds the loop that an event loop runs: one that no other runs yet, if this is the first time that it is seen.
// What was posted for that one before is pending.
func (r *reactor) loopOf(g gnet.EventLoop) *loop {
	for _, e := range r.loops {
		runs := e.runs.Load()
		if runs == nil {
			first := g // g itself must not escape
			e.runs.CompareAndSwap(nil, &first)
			runs = e.runs.Load()
		}
		if *runs == g {
			return e.loop
		}
	}
	panic("server: gnet has more event loops than it was asked for")
}

// OnOpen comes on the loop, at once when gnet has accepted a connection, or for one that was registered.
func (r *reactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	l := r.loopOf(g.EventLoop())
	if h, ok := g.Context().(*enrolment); ok {
		l.roundFirst()
		r.openEnrolled(l, g, h)
		return nil, gnet.None
	}
	action := r.openAccepted(l, g)
	l.roundFirst() // not before: in it the loop may come to rest for an upgrade, and nobody would know of the connection
	return nil, action
}

func (r *reactor) openAccepted(l *loop, g gnet.Conn) gnet.Action {
	now := l.clock.Now()
	d := arrival{fd: g.Fd(), remote: addressOf(g.RemoteAddr())}
	d.front = frontOf(l.limits.proxies, proxied.Peer{At: d.remote}, true)
	guest, ok := r.admit(d, now)
	if !ok {
		return gnet.Close
	}
	w := &gnetWire{conn: g}
	g.SetContext(w)
	d.wire, d.guest = w, guest
	w.c = l.open(d, now)
	return gnet.None
}

// admit asks the gate and makes the socket ready, or answers a connection that has no place.
func (r *reactor) admit(d arrival, now clock.Instant) (guest *guest, ok bool) {
	if r.gate.bars(d.remote.Addr()) {
		turnAway(d.fd, bannedReply)
		return nil, false
	}
	if !r.stopping.Load() {
		guest, ok = r.gate.enter(d.remote.Addr(), now)
	}
	if !ok {
		turnAway(d.fd, fullReply)
		return nil, false
	}
	_ = setOptions(d.fd) // they were tried when the address was booked
	return guest, true
}

func (r *reactor) openEnrolled(l *loop, g gnet.Conn, h *enrolment) {
	h.opened = true
	now := l.clock.Now()
	switch {
	case h.early != nil:
		openEarly(l, g, h.early)
	case h.moved != nil:
		openMoved(l, g, h.moved, now)
	case h.shows:
		l.work(now)
	default:
		openNewcomer(l, g, h, now)
	}
}

// openNewcomer is for a connection that was accepted by us.
func openNewcomer(l *loop, g gnet.Conn, h *enrolment, now clock.Instant) {
	w := &gnetWire{conn: g, tls: h.tls}
	g.SetContext(w)
	d := arrival{fd: g.Fd(), wire: w, remote: h.newcomer.remote, front: h.newcomer.front, guest: h.newcomer.guest}
	if w.tls == nil {
		w.c = l.open(d, now)
		return
	}
	d.wire = w.tls
	w.c = l.open(d, now)
	w.tls.open(w.c, w)
	w.tls.received(now) // a request may have come with the end of the handshake
}

func (r *reactor) OnTraffic(g gnet.Conn) gnet.Action {
	w := g.Context().(*gnetWire)
	if w.c == nil { // a viewer's that may come to be ours
		_, _ = g.Discard(-1)
		return gnet.None
	}
	l := w.c.loop
	if l.roundFirst(); w.conn == nil {
		return gnet.None
	}
	if w.tls != nil {
		w.tls.received(l.clock.Now())
	} else {
		l.traffic(w.c, l.clock.Now())
	}
	return gnet.None
}

func (r *reactor) OnClose(g gnet.Conn, _ error) gnet.Action {
	w, ok := g.Context().(*gnetWire)
	if !ok {
		return gnet.None // was turned away
	}
	if w.conn = nil; w.c == nil {
		return gnet.None
	}
	w.c.loop.closed(w.c)
	w.c.loop.onClosed(w.c)
	return gnet.None
}

// An enrolment is what is known of a connection that comes from a listener of ours.
type enrolment struct {
	newcomer *newcomer
	tls      *tlsWire
	moved    *arrivingConn // nil: it is new
	early    *earlyConn    // nil: it is not
	shows    bool          // it is there to show us an event loop
	opened   bool          // on a loop, which then has it
}

// register gives an accepted connection to the loop that has the fewest. It returns when that has opened it; after an
// error the connection is closed.
func (r *reactor) register(c net.Conn, h *enrolment) error {
	err := r.enroll(c, h)
	if err == nil && !h.opened {
		err = errNotOpened
	}
	if err != nil {
		c.Close()
	}
	return err
}

func (r *reactor) enroll(c net.Conn, h *enrolment) error {
	if r.client != nil {
		_, err := r.client.EnrollContext(c, h)
		return err
	}
	result, err := r.engine.Register(gnet.NewContext(gnet.NewNetConnContext(context.Background(), c), h))
	if err != nil {
		return err
	}
	select {
	case got := <-result:
		return got.Err
	case <-r.done:
		return net.ErrClosed
	}
}

// introduce has gnet show us the event loops that have not had a connection yet: until then nobody can call them, and
// each accepts its first one whatever stands still. An error of ctx is that one does not turn.
func (r *reactor) introduce(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- r.meetAll() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errNoStandstill
	}
}

// meetAll gives gnet connections of this machine with itself, which go to the loops that have the fewest.
func (r *reactor) meetAll() error {
	const rounds = 2 // in the first one they may go to loops whose connections have gone
	for n := 0; slices.ContainsFunc(r.loops, func(e *eventLoop) bool { return e.runs.Load() == nil }); n++ {
		if n == rounds*len(r.loops) {
			return errNoStandstill
		}
		here, there, err := tcpPair()
		if err != nil {
			return err
		}
		defer here.Close() // not before all are known: it counts
		if err := r.register(there, &enrolment{shows: true}); err != nil {
			return err
		}
	}
	return nil
}

// openEarly is for a viewer's connection that may come to be ours.
func openEarly(l *loop, g gnet.Conn, e *earlyConn) {
	e.loop, e.wire, e.fd = l, &gnetWire{conn: g}, g.Fd()
	g.SetContext(e.wire)
}

// openMoved is for a connection of another process.
func openMoved(l *loop, g gnet.Conn, a *arrivingConn, now clock.Instant) {
	w := &gnetWire{conn: g}
	g.SetContext(w)
	w.c = l.adopt(a, a.wire(w), g.Fd(), now)
	l.goOn(w.c, a, now)
}

// enrollAll gives connections of another process to the loops, to each as many. It returns when all are opened; lost is
// told of those that could not be.
func (r *reactor) enrollAll(all []*enrolment, sockets []net.Conn, lost func(i int, err error)) {
	pace := make(chan struct{}, movedAtOnce)
	var opening sync.WaitGroup
	for i, h := range all {
		r.dealt++
		on := r.loops[r.dealt%len(r.loops)].runs.Load()
		if on == nil { // gnet has not shown us this one yet: it gives connections to who has the fewest
			if err := r.register(sockets[i], h); err != nil {
				lost(i, err)
			}
			continue
		}
		result, err := (*on).Enroll(gnet.NewContext(context.Background(), h), sockets[i])
		if err != nil {
			sockets[i].Close()
			lost(i, err)
			continue
		}
		pace <- struct{}{}
		opening.Go(func() {
			got := <-result
			if <-pace; got.Err == nil && !h.opened {
				got.Err = errNotOpened
			}
			if got.Err != nil {
				lost(i, got.Err)
			}
		})
	}
	opening.Wait()
}

// movedAtOnce is how many connections that have moved here have two descriptors for a moment.
const movedAtOnce = 256

var errNotOpened = errors.New("gnet did not open it")
