package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/admin"
	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/handover"
	"pumpd/server/stream"
)

// An upgrade has another process, of another program or another configuration, take over all that this one does, and
// nobody notices. See package handover for the stages, inherit.go for the other side, and docs/upgrade.md.
//
//	Upgrade:   start ─▶ greet ─▶ it has prepared ─┐                                      ┌─▶ it runs
//	the server's own goroutine:                   └▶ freeze ─▶ depart ─▶ send ─▶ commit ─┤
//	                                                                 ╳ all goes on here  └─▶ linger ─▶ the end
//
// Until the new process is told that all is its own, this one has everything: its descriptors are duplicates.

// descriptionVersion is of all that is told below: it is another one whenever any of the types is.
const descriptionVersion = 8

// Kinds of messages, in the order in which they come.
const (
	kindListener  = handover.Others + iota // movedListener, and its sockets
	kindListeners                          // those were all
	kindPrepared                           // prepared, of the new process
	kindAhead                              // sentAhead, and the sockets
	kindNext                               // of the new process: they are enrolled
	kindHeaders                            // movedHeaders, of the next stream
	kindStream                             // movedStream, and the sockets and files of its tasks
	kindElements                           // movedElements
	kindNode                               // movedNode
	kindPast                               // admin.Past, a part of it
	kindViewers                            // []movedConn, whose sockets have come ahead
	kindConns                              // []movedConn, and their sockets
	kindEnd                                // movedEnd
	kindTaken                              // of the new process: it has everything
	kindCommitted                          // all is the new one's
	kindRunning                            // of the new process: it serves
)

// A prepared is what the new process is ready for.
type prepared struct{ Streams []string } // paths

// A movedHeaders is some of the generations of a stream. There may be more of them than fit into a message: who blocks
// while encoders take turns holds them all.
type movedHeaders [][]byte

// A movedStream is one of the streams that move, and what feeds it. Its generations have come before it.
type movedStream struct {
	stream.Snapshot
	Tasks  []movedTask // those that have anything to tell
	Ledger admission.StreamSnapshot
}

// A movedTask is one of tasks.
type movedTask struct {
	Task  int // its place there
	State taskSnapshot
	File  bool // a descriptor comes with it
}

// A movedElements is a run of the chain of a stream.
type movedElements struct {
	Stream   int // by the order in which they came
	Elements []stream.ElementSnapshot
}

// A movedEnd is how much there was.
type movedEnd struct{ Streams, Conns int }

// A nothing is the body of messages that say only that they are there.
type nothing struct{ Nothing bool }

var (
	errUpgrading = errors.New("there is an upgrade going on")
	errNoUpgrade = errors.New("this program cannot start another one")
	errContested = errors.New("a source is just being replaced by another")
	errChanging  = errors.New("somebody is just changing something by the API")
	errNotServed = errors.New("the new process has everything and does not serve")
)

const (
	takenTime     = 5 * time.Second        // for which all may stand still
	runningTime   = 10 * time.Second       // for the new process to begin, once all is its own
	parkTime      = 500 * time.Millisecond // for what feeds streams to stand still
	contestedTime = 50 * time.Millisecond  // until it is tried again
	elementsBytes = 4 << 20                // of packets in one message
	headersAtOnce = 64
	connsAtOnce   = handover.MostDescriptors
	viewersAtOnce = 2048
	connBytes     = 2 << 20 // of conns in one message; the last one may be as large again
)

// Upgrade has a new process of a program, of ours where it is "", take over. It returns when that serves, and then Run
// does soon; or with the reason why it does not, which the log has as well. Any goroutine.
func (s *Server) Upgrade(ctx context.Context, program string) error {
	if !s.upgrading.TryLock() {
		return errUpgrading
	}
	defer s.upgrading.Unlock()
	err := s.upgrade(ctx, program)
	switch {
	case errors.Is(err, errNotServed):
		s.log.Error("upgrade: nobody serves", "err", err)
	case err != nil:
		s.log.Error("upgrade: nothing has changed", "err", err)
	}
	return err
}

func (s *Server) upgrade(ctx context.Context, program string) error {
	if s.Spawn == nil {
		return errNoUpgrade
	}
	select {
	case s.reloading <- struct{}{}:
		defer func() { <-s.reloading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-s.drained:
		return errOver
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.config().Timeouts.Upgrade))
	defer cancel()
	handover.Reach(handover.Starting)
	if err := s.reactor.introduce(ctx); err != nil {
		return err
	}
	child, err := s.Spawn(program)
	if err != nil {
		return err
	}
	s.log.Info("upgrade: the new program is started", "pid", child.PID)
	hurried := make(chan struct{})
	patient := context.AfterFunc(ctx, func() {
		child.SetDeadline(time.Now())
		close(hurried)
	})
	defer patient()
	committed := false
	defer func() {
		child.Close()
		if !committed {
			child.Kill()
			<-child.Exited
		}
	}()
	ready, err := s.greet(child)
	if err != nil {
		return childError(ctx, child, err)
	}
	defer s.node.tell(func(l *loop, _ clock.Instant) { l.sent = nil })
	if err := s.sendAhead(ctx, child.Conn); err != nil {
		return childError(ctx, child, err)
	}
	if committed, err = s.commit(ctx, child, ready); !committed {
		return childError(ctx, child, err)
	}
	if !patient() { // whoever wants it to end now comes too late
		<-hurried
	}
	return s.awaitRunning(child)
}

// childError is what went wrong: the end of the new program, or that it took too long, rather than what follows from
// that.
func childError(ctx context.Context, child *handover.Child, err error) error {
	if _, refused := errors.AsType[*handover.Refusal](err); refused {
		return fmt.Errorf("the new program: %w", err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the new program is not ready in time: %w", context.Cause(ctx))
	}
	select {
	case ended := <-child.Exited:
		return fmt.Errorf("the new program has ended: %w", errors.Join(ended, err))
	case <-time.After(100 * time.Millisecond): // its end may come just after that of its socket
		return err
	}
}

// greet waits until the new process is ready to take over.
func (s *Server) greet(child *handover.Child) (ready prepared, err error) {
	hello := handover.Hello{Version: descriptionVersion, Program: "pumpd " + s.Version, PID: os.Getpid(),
		Now: s.clock.Now(), Mono: clock.Monotonic()}
	handover.Reach(handover.Greeting)
	if _, err := child.Greet(hello); err != nil {
		return ready, err
	}
	if err := s.sendListeners(child.Conn); err != nil {
		return ready, err
	}
	m, err := child.Expect(kindPrepared)
	if err != nil {
		return ready, err
	}
	defer m.Close()
	return ready, m.Decode(&ready)
}

// sendListeners sends duplicates of all listening sockets. They are the same until all is committed: no reload changes
// them.
func (s *Server) sendListeners(to *handover.Conn) error {
	for _, a := range s.booked {
		for _, b := range a.bookings {
			fds, err := listening(b.at)
			if err != nil {
				return err
			}
			if err := sendListener(to, rolePlain, a.address, b.at, fds); err != nil {
				return err
			}
		}
	}
	for _, l := range s.listeners {
		r := roleOwn
		if l.secure {
			r = roleTLS
		}
		if err := sendOwnListener(to, r, l.address, l.Listener); err != nil {
			return err
		}
	}
	for address, l := range s.adminAt {
		err := sendOwnListener(to, roleAdmin, address, l)
		if err != nil && !errors.Is(err, net.ErrClosed) { // a reload may have closed it
			return err
		}
	}
	return to.Send(kindListeners, nothing{})
}

func sendOwnListener(to *handover.Conn, r role, address string, l net.Listener) error {
	socket, err := duplicate(l)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	return sendListener(to, r, address, l.Addr().(*net.TCPAddr).AddrPort(), []int{socket})
}

// sendListener sends the sockets of an address of the machine, a few at a time.
func sendListener(to *handover.Conn, r role, address string, at netip.AddrPort, fds []int) error {
	for some := range slices.Chunk(fds, handover.MostDescriptors) {
		if err := to.Send(kindListener, &movedListener{r, address, at, len(some)}, some...); err != nil {
			return err
		}
	}
	return nil
}

// commit hands everything over, on the server's own goroutine. After an error all goes on here, unless it is committed.
func (s *Server) commit(ctx context.Context, child *handover.Child, ready prepared) (committed bool, err error) {
	for {
		done := make(chan error, 1)
		select {
		case s.orders <- func() { done <- s.handAllOver(ctx, child, ready) }:
		case <-s.over:
			return false, errOver
		case <-ctx.Done():
			return false, ctx.Err()
		}
		switch err := <-done; {
		case err == nil:
			return true, nil
		case !errors.Is(err, errContested) && !errors.Is(err, errChanging):
			return false, err
		default:
			select {
			case <-time.After(contestedTime):
			case <-ctx.Done():
				return false, err
			}
		}
	}
}

// hold calls a change that nobody else is to be told of: none goes over to another process meanwhile. False: all has
// gone there already, and nothing is called. Any goroutine.
func (s *Server) hold(change func()) bool {
	s.changing.RLock()
	defer s.changing.RUnlock()
	if s.handed != nil {
		return false
	}
	change()
	return true
}

// handAllOver is for the server's own goroutine.
func (s *Server) handAllOver(ctx context.Context, child *handover.Child, ready prepared) (err error) {
	if !s.changing.TryLock() {
		return errChanging
	}
	defer s.changing.Unlock()
	if s.isDraining() { // it would not go on there
		return errOver
	}
	begun := time.Now()
	if late, ok := ctx.Deadline(); !ok || late.After(begun.Add(takenTime)) {
		child.SetDeadline(begun.Add(takenTime))
	}
	handover.Reach(handover.Freezing)
	f, err := s.freeze(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.thaw())
		}
	}()
	d, err := s.depart(f, ready)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.stays()
		}
		handover.CloseAll(d.ends)
	}()
	handover.Reach(handover.Sending)
	if err := d.send(child.Conn); err != nil {
		return err
	}
	if err := expect(child.Conn, kindTaken); err != nil {
		return err
	}
	s.leaveQuota()
	if err := child.Send(kindCommitted, nothing{}); err != nil {
		return errors.Join(err, s.retakeQuota())
	}
	handover.Reach(handover.Committed)
	s.manager.MainPID(child.PID)
	s.log.Info("upgrade: another process has taken over", "pid", child.PID, "connections", len(d.viewers)+len(d.conns),
		"standstill", time.Since(begun).Round(time.Millisecond))
	handover.CloseAll(f.own)
	s.handed = d
	s.passing.Unlock()
	return nil
}

// awaitRunning waits until the new process serves.
func (s *Server) awaitRunning(child *handover.Child) error {
	child.SetDeadline(time.Now().Add(runningTime))
	if err := expect(child.Conn, kindRunning); err != nil {
		return fmt.Errorf("%w: process %d: %w", errNotServed, child.PID, err)
	}
	return nil
}

// A freeze is the server while nothing of it moves.
type freeze struct {
	s      *Server
	parked []*running
	loops  *atRest
	own    []int // sockets of s.listeners, in their order, which are closed meanwhile
	closed bool  // s.passing is locked
}

// freeze has everything stand still. After an error everything goes on.
func (s *Server) freeze(ctx context.Context) (*freeze, error) {
	f := &freeze{s: s}
	err := f.park(ctx)
	if err == nil {
		err = f.stopAccepting()
	}
	if err == nil {
		s.passing.Lock()
		f.closed = true
		f.loops, err = s.node.rest()
	}
	if err != nil {
		return nil, errors.Join(err, f.thaw())
	}
	f.loops.settle()
	return f, nil
}

// park has all tasks stand still, all at once.
func (f *freeze) park(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, parkTime)
	defer cancel()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for st, all := range f.s.running {
		for _, r := range all {
			if r == nil {
				continue
			}
			f.parked = append(f.parked, r)
			wait.Go(func() {
				if err := r.park(ctx); err != nil {
					mu.Lock()
					failed = fmt.Errorf("stream %s: something of it does not stand still: %w", st.Config().Path, err)
					mu.Unlock()
				}
			})
		}
	}
	wait.Wait()
	return failed
}

// stopAccepting has the connections that come to our own listeners wait in their queues; those of gnet's do, for the
// loops that would accept them stand still.
func (f *freeze) stopAccepting() error {
	for _, l := range f.s.listeners {
		socket, err := duplicate(l.Listener)
		if err != nil {
			return err
		}
		f.own = append(f.own, socket)
		l.Close()
	}
	late := time.After(parkTime)
	for _, l := range f.s.listeners {
		select { // what it has accepted is to be a conn, or to be known as one whose handshake is under way
		case <-l.ended:
		case <-late:
			return nil
		}
	}
	return nil
}

// thaw has everything go on as if nothing had been.
func (f *freeze) thaw() (err error) {
	if f.loops != nil {
		f.loops.goOn()
	}
	if f.closed {
		f.s.passing.Unlock()
	}
	for _, r := range f.parked {
		r.goOn()
	}
	for i, socket := range f.own {
		l := f.s.listeners[i]
		again, failed := listenerOf(socket)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		l.Listener = again
		f.s.accept(l)
	}
	return err
}

// A departure is all that moves. It belongs to the server's own goroutine, and is of no use once anything goes on.
type departure struct {
	places  map[*stream.Stream]int // of streams in what is sent
	exports []*stream.Exporter
	ledger  []admission.StreamSnapshot // of each
	tasks   [][]movedTask              // likewise
	files   [][]int                    // of those of tasks, in order
	node    movedNode
	past    []*admin.Past
	viewers []movedConn                         // whose sockets have gone ahead
	conns   []movedConn                         // all others
	fds     []int                               // of conns
	moved   map[*conn]struct{}                  // all of them
	stay    map[*stream.Stream]admission.Counts // viewers that cannot move, by stream
	asked   bool                                // there are others that cannot move and may come to watch
	follows []*follow                           // of streams that are watched here
	relays  relays
	ends    []int // of follows and relays, for the new process
	frozen  *freeze
}

// depart describes what moves: of the streams, those that the new process has as well.
func (s *Server) depart(f *freeze, ready prepared) (*departure, error) {
	d := &departure{
		places: map[*stream.Stream]int{}, stay: map[*stream.Stream]admission.Counts{}, moved: map[*conn]struct{}{}, frozen: f,
		relays: relays{
			log: s.log, patience: time.Duration(s.config().Timeouts.Stall), fresh: map[*newcomer]*net.TCPConn{},
		},
	}
	for _, path := range ready.Streams {
		st := s.reg.Find([]byte(path))
		if st == nil {
			continue
		}
		x := st.Export()
		if x.Contested() {
			return nil, errContested
		}
		d.places[st] = len(d.exports)
		d.exports, d.ledger = append(d.exports, x), append(d.ledger, s.node.ledger.Snapshot(st.ID()))
		if err := d.addTasks(x, s.running[st]); err != nil {
			return nil, err
		}
	}
	f.loops.each(d.leave)
	if s.handshakes != nil {
		t := &s.config().Timeouts
		d.addFresh(s.handshakes, s.clock.Now().Add(time.Duration(2*t.Handshake+t.RequestHead)))
	}
	if err := d.addFollows(s.clock.Now()); err != nil {
		d.stays()
		handover.CloseAll(d.ends)
		return nil, err
	}
	d.node = s.leaveNode(d.places)
	if a := s.admin.Load(); a != nil {
		const streams = 200 // of some 10 KB in a message
		d.past = a.Past().Parts(streams)
	}
	return d, nil
}

// addTasks adds what the tasks of the newest stream have to tell. errContested: one of them stood still before it heard
// that it has the stream's claim now, and knows nothing of that.
func (d *departure) addTasks(x *stream.Exporter, all []*running) error {
	var list []movedTask
	var files []int
	for i, r := range all {
		if r == nil {
			continue
		}
		state, fd := r.snapshot(x)
		if state.Pull != nil && !state.Pull.Feeds && x.WrittenBy(stream.Pull) {
			return errContested
		}
		list = append(list, movedTask{Task: i, State: state, File: fd >= 0})
		if fd >= 0 {
			files = append(files, fd)
		}
	}
	d.tasks, d.files = append(d.tasks, list), append(d.files, files)
	return nil
}

// send tells all of it.
func (d *departure) send(to *handover.Conn) error {
	for i, x := range d.exports {
		of := d.describeStream(i)
		if err := sendHeaders(to, of.Generations); err != nil {
			return err
		}
		of.Generations = nil
		if err := to.Send(kindStream, of, d.files[i]...); err != nil {
			return err
		}
		for batch := range x.Batches(elementsBytes) {
			if err := to.Send(kindElements, &movedElements{i, batch}); err != nil {
				return err
			}
		}
	}
	if err := d.node.send(to); err != nil {
		return err
	}
	for _, part := range d.past {
		if err := to.Send(kindPast, part); err != nil {
			return err
		}
	}
	if err := d.sendConns(to); err != nil {
		return err
	}
	return to.Send(kindEnd, movedEnd{len(d.exports), len(d.viewers) + len(d.conns)})
}

// describeStream is all of a stream but its elements, when all who stand in those are described.
func (d *departure) describeStream(i int) *movedStream {
	return &movedStream{d.exports[i].Snapshot(), d.tasks[i], d.ledger[i]}
}

// sendHeaders sends headers, each of which has at most some 64 KB.
func sendHeaders(to *handover.Conn, all [][]byte) error {
	for some := range slices.Chunk(all, headersAtOnce) {
		if err := to.Send(kindHeaders, movedHeaders(some)); err != nil {
			return err
		}
	}
	return nil
}

// sendConns sends the conns.
func (d *departure) sendConns(to *handover.Conn) error {
	for _, some := range batches(d.viewers, viewersAtOnce) {
		if err := to.Send(kindViewers, d.viewers[some.from:some.to]); err != nil {
			return err
		}
	}
	for _, some := range batches(d.conns, connsAtOnce) {
		if err := to.Send(kindConns, d.conns[some.from:some.to], d.fds[some.from:some.to]...); err != nil {
			return err
		}
	}
	return nil
}

// A batch is a part of a list.
type batch struct{ from, to int }

// batches are as many conns at a time, and fewer where much has come on them that is not used, or they are owed much.
func batches(list []movedConn, most int) (all []batch) {
	for from := 0; from < len(list); {
		to, size := from, 0
		for to < len(list) && to-from < most && size < connBytes {
			size += list[to].size()
			to++
		}
		all = append(all, batch{from, to})
		from = to
	}
	return all
}

// stays is for a departure that does not take place.
func (d *departure) stays() {
	for _, f := range d.follows {
		f.from.Close()
	}
	d.relays.stay()
}
