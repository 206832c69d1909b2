package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"

	"pumpd/server/admin"
	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/handover"
	"pumpd/server/stream"
)

// How a new process takes over from the one that has started it, see upgrade.go. Up to the word that all is its own it
// only remembers what it is told: it neither reads nor sends on any socket.

// A predecessor is the process before, and what it has left. It belongs to Run's goroutine.
type predecessor struct {
	conn      *handover.Conn
	listeners map[listenerKey]*movedSockets
	past      []*admin.Past
	headers   movedHeaders // of the next of streams
	streams   []arrivingStream
	finished  bool                  // all of streams are made
	early     map[uint64]*earlyConn // by names of sockets
	viewers   []*arrivingConn       // whose sockets are in early
	gone      []*arrivingConn       // who has hung up meanwhile
	conns     []*arrivingConn
	sockets   []net.Conn // of conns
	standIns  []standIn
}

// An arrivingStream is one that has moved here.
type arrivingStream struct {
	stream   *stream.Stream
	importer *stream.Importer
	tasks    []*inheritance // in the order of tasks
}

type listenerKey struct {
	role    role
	address string
}

// A movedSockets is the sockets of one address of the configuration, which may be two of the machine.
type movedSockets struct {
	at  []movedListener
	fds [][]int
}

// A standIn is where gnet listens until the sockets of an address are its own.
type standIn struct {
	at      netip.AddrPort
	address string
	sockets []int
	gnets   []gnetListener
}

// Inherit makes a server as New does, one that is to take over from the process at the other end of conn. That one has
// said theirs: it is up to the caller to Refuse after an error, also of Run.
func Inherit(cfg *config.Config, log *slog.Logger, conn *handover.Conn, theirs *handover.Hello) (*Server, error) {
	c, err := clock.Resume(theirs.Now, theirs.Mono)
	if err != nil {
		return nil, err
	}
	return newServer(cfg, log, c, &predecessor{
		conn: conn, listeners: map[listenerKey]*movedSockets{}, early: map[uint64]*earlyConn{},
	})
}

// Greeting is what a new process says first.
func Greeting(version string) handover.Hello {
	return handover.Hello{Version: descriptionVersion, Program: "pumpd " + version, PID: os.Getpid()}
}

// inherit has everything move here. When it returns without an error all is ours.
func (s *Server) inherit() error {
	if err := s.takeListeners(); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	err := s.takeOver()
	if err != nil {
		err = errors.Join(err, s.reactor.stop())
	}
	return err
}

// takeOver is what follows when we listen on stand-ins.
func (s *Server) takeOver() error {
	p := s.before
	if err := p.findEpolls(); err != nil {
		return err
	}
	handover.Reach(handover.Prepared)
	var ready prepared
	for _, st := range s.reg.Streams() {
		ready.Streams = append(ready.Streams, st.Config().Path)
	}
	if err := p.conn.Send(kindPrepared, &ready); err != nil {
		return err
	}
	if err := s.takeAll(); err != nil {
		return err
	}
	handover.Reach(handover.Taken)
	if err := p.conn.Send(kindTaken, nothing{}); err != nil {
		return err
	}
	if err := expect(p.conn, kindCommitted); err != nil {
		return err
	}
	handover.Reach(handover.Running)
	return nil
}

// takeAll takes what is sent up to its end.
func (s *Server) takeAll() error {
	p := s.before
	for first := true; ; first = false {
		m, err := p.conn.Receive()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the process before has ended")
			}
			return err
		}
		if first {
			handover.Reach(handover.Taking)
		}
		end, err := s.takeOne(m)
		m.Close()
		if end || err != nil {
			return err
		}
	}
}

func (s *Server) takeOne(m *handover.Message) (end bool, err error) {
	p := s.before
	switch m.Kind {
	case kindHeaders:
		return false, p.takeHeaders(m)
	case kindStream:
		return false, s.takeStream(m)
	case kindElements:
		return false, p.takeElements(m)
	case kindNode:
		var n movedNode
		if err := m.Decode(&n); err != nil {
			return false, err
		}
		return false, s.takeUp(&n, p.streams)
	case kindPast:
		part := new(admin.Past)
		p.past = append(p.past, part)
		return false, m.Decode(part)
	case kindAhead:
		return false, s.takeAhead(m)
	case kindViewers:
		return false, s.takeViewers(m)
	case kindConns:
		return false, s.takeConns(m)
	case kindEnd:
		return true, p.takeEnd(m)
	}
	return false, m.Unexpected(kindEnd)
}

// takeListeners takes the listening sockets.
func (s *Server) takeListeners() error {
	for {
		m, err := s.before.conn.Receive()
		if err != nil {
			return err
		}
		switch m.Kind {
		case kindListener:
			err = s.before.takeListener(m)
		case kindListeners:
			return nil
		default:
			err = m.Unexpected(kindListener)
		}
		if m.Close(); err != nil {
			return err
		}
	}
}

func (p *predecessor) takeListener(m *handover.Message) error {
	var l movedListener
	if err := m.Decode(&l); err != nil {
		return err
	}
	if l.Role >= roles || l.Sockets < 1 || l.Sockets != len(m.FDs) || !l.At.IsValid() {
		return fmt.Errorf("listener %q: role %d, %d sockets of %d", l.Address, l.Role, len(m.FDs), l.Sockets)
	}
	key := listenerKey{l.Role, l.Address}
	sockets := p.listeners[key]
	if sockets == nil {
		sockets = &movedSockets{}
		p.listeners[key] = sockets
	}
	for i := range sockets.at {
		if sockets.at[i].At == l.At {
			sockets.fds[i] = append(sockets.fds[i], m.Take()...)
			return nil
		}
	}
	sockets.at, sockets.fds = append(sockets.at, l), append(sockets.fds, m.Take())
	return nil
}

func (s *Server) takeStream(m *handover.Message) error {
	var of movedStream
	if err := m.Decode(&of); err != nil {
		return err
	}
	of.Generations, s.before.headers = s.before.headers, nil
	return s.arriveStream(&of, m.Take())
}

// arriveStream takes a stream, and the files that came with it.
func (s *Server) arriveStream(of *movedStream, files []int) error {
	defer func() { handover.CloseAll(files) }()
	st := s.reg.Find([]byte(of.Path))
	if st == nil {
		return fmt.Errorf("stream %.80q: there is none", of.Path)
	}
	importer, err := st.Import(&of.Snapshot)
	if err != nil {
		return err
	}
	counted := admission.Sample{Bytes: of.Stats.Counters.Of("BytesIn"), Packets: of.Stats.Counters.Of("PacketsIn"),
		At: s.clock.Now()}
	if err := s.node.ledger.Restore(st.ID(), &of.Ledger, counted); err != nil {
		return fmt.Errorf("stream %s: %w", of.Path, err)
	}
	a := arrivingStream{stream: st, importer: importer, tasks: make([]*inheritance, len(tasks))}
	for _, t := range of.Tasks {
		if t.Task < 0 || t.Task >= len(tasks) || t.File && len(files) == 0 {
			return fmt.Errorf("stream %s: task %d of %d, with %d files", of.Path, t.Task, len(tasks), len(files))
		}
		from := &inheritance{taskSnapshot: t.State, importer: importer}
		if err := from.check(); err != nil {
			return fmt.Errorf("stream %s: %w", of.Path, err)
		}
		if t.File {
			from.file = os.NewFile(uintptr(files[0]), "inherited")
			files = files[1:]
		}
		a.tasks[t.Task] = from
	}
	s.before.streams = append(s.before.streams, a)
	return nil
}

func (p *predecessor) takeHeaders(m *handover.Message) error {
	var some movedHeaders
	if err := m.Decode(&some); err != nil {
		return err
	}
	p.headers = append(p.headers, some...)
	return nil
}

func (p *predecessor) takeElements(m *handover.Message) error {
	var of movedElements
	if err := m.Decode(&of); err != nil {
		return err
	}
	if of.Stream < 0 || of.Stream >= len(p.streams) {
		return fmt.Errorf("elements of stream %d of %d", of.Stream, len(p.streams))
	}
	return p.streams[of.Stream].importer.Add(of.Elements)
}

// takeViewers takes those whose sockets have come ahead. One that is gone by now was the old process's to the end, but
// is ours to tell of.
func (s *Server) takeViewers(m *handover.Message) error {
	p := s.before
	if err := p.finishStreams(); err != nil {
		return err
	}
	var list []movedConn
	if err := m.Decode(&list); err != nil {
		return err
	}
	for i := range list {
		a, err := arrive(&list[i], p.streams, s.node.access)
		if err == nil && a.viewer == nil {
			err = errors.New("does not watch")
		}
		if err != nil {
			return fmt.Errorf("viewer %d: %w", len(p.viewers), err)
		}
		if a.early = p.early[a.Ahead]; a.early == nil {
			p.gone = append(p.gone, a)
			continue
		}
		delete(p.early, a.Ahead)
		p.viewers = append(p.viewers, a)
	}
	return nil
}

func (s *Server) takeConns(m *handover.Message) error {
	p := s.before
	if err := p.finishStreams(); err != nil {
		return err
	}
	var list []movedConn
	if err := m.Decode(&list); err != nil {
		return err
	}
	if len(list) != len(m.FDs) {
		return fmt.Errorf("%d connections, %d sockets", len(list), len(m.FDs))
	}
	fds := m.Take()
	for i := range list {
		if err := s.takeConn(&list[i], fds[i]); err != nil {
			handover.CloseAll(fds[i+1:])
			return fmt.Errorf("connection %d: %w", len(p.conns), err)
		}
	}
	return nil
}

func (s *Server) takeConn(m *movedConn, fd int) error {
	p := s.before
	socket, err := connOf(fd)
	if err != nil && !errors.Is(err, errHungUp) {
		return err
	}
	a, err := arrive(m, p.streams, s.node.access)
	switch {
	case err != nil:
	case socket != nil:
		p.conns, p.sockets = append(p.conns, a), append(p.sockets, socket)
	default:
		p.gone = append(p.gone, a)
	}
	return err
}

// connOf makes a connection of package net of a socket, which it closes.
func connOf(socket int) (*net.TCPConn, error) {
	f := os.NewFile(uintptr(socket), "connection")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	switch {
	case !ok:
		err = errors.New("not a connection of TCP")
	case tcp.RemoteAddr() == nil:
		err = errHungUp
	default:
		return tcp, nil
	}
	c.Close()
	return nil, err
}

// errHungUp is that there is nobody at the other end any more.
var errHungUp = errors.New("it is closed")

// finishStreams is when all elements have come.
func (p *predecessor) finishStreams() error {
	if p.finished {
		return nil
	}
	p.finished = true
	for i := range p.streams {
		if err := p.streams[i].importer.Finish(); err != nil {
			return err
		}
	}
	return nil
}

func (p *predecessor) takeEnd(m *handover.Message) error {
	var end movedEnd
	if err := m.Decode(&end); err != nil {
		return err
	}
	if conns := len(p.viewers) + len(p.conns) + len(p.gone); end.Streams != len(p.streams) || end.Conns != conns {
		return fmt.Errorf("%d streams and %d connections have come of %d and %d", len(p.streams), conns, end.Streams,
			end.Conns)
	}
	return p.finishStreams()
}

// bookStandIns books an address for each that has moved here for gnet.
func (p *predecessor) bookStandIns(address string) (names []booking, of plainAddress, err error) {
	moved := p.listeners[listenerKey{rolePlain, address}]
	of.address = address
	for i, l := range moved.at {
		b, err := bookOne("127.0.0.1:0")
		if err != nil {
			return names, of, err
		}
		names = append(names, b)
		of.bookings = append(of.bookings, booking{fd: -1, at: l.At})
		p.standIns = append(p.standIns, standIn{at: b.at, address: address, sockets: moved.fds[i]})
	}
	return names, of, nil
}

// findEpolls finds what gnet has opened for the stand-ins, while there are few descriptors to look at.
func (p *predecessor) findEpolls() error {
	for i := range p.standIns {
		in := &p.standIns[i]
		fds, err := listening(in.at)
		if err != nil {
			return err
		}
		if len(fds) == 0 {
			return fmt.Errorf("gnet does not listen on %s", in.at)
		}
		for _, fd := range fds {
			epoll, err := epollOf(fd)
			if err != nil {
				return err
			}
			in.gnets = append(in.gnets, gnetListener{fd, epoll})
		}
	}
	return nil
}

// begin is when all is ours: connections get their loops and listeners accept.
func (s *Server) begin() {
	p := s.before
	s.adoptEarly()
	moved := make([]*enrolment, len(p.conns))
	for i, a := range p.conns {
		moved[i] = &enrolment{moved: a}
	}
	s.reactor.enrollAll(moved, p.sockets, func(i int, err error) {
		s.log.Error("upgrade: a connection is lost", "from", p.conns[i].Remote, "err", err)
	})
	for _, in := range p.standIns {
		left, err := in.swap()
		if err != nil {
			s.log.Error("upgrade: gnet does not listen", "address", in.address, "err", err)
		}
		for _, socket := range left {
			l, err := listenerOf(socket)
			if err != nil {
				s.log.Error("upgrade: a listener is lost", "address", in.address, "err", err)
				continue
			}
			s.listeners = append(s.listeners, newListener(l, in.address, false, s.budget))
		}
	}
	for _, l := range s.node.loops {
		l.wake()
	}
	p.closeRest()
	s.spent.sent = s.sent() // what was sent before is counted
	if err := s.openQuota(); err != nil {
		s.log.Error("upgrade: nobody counts for the quota", "err", err)
	}
}

// closeRest closes the sockets of addresses that the configuration does not have any more.
func (p *predecessor) closeRest() {
	for key, moved := range p.listeners {
		of := func(in standIn) bool { return in.address == key.address }
		if key.role == rolePlain && slices.ContainsFunc(p.standIns, of) {
			continue
		}
		handover.CloseAll(slices.Concat(moved.fds...))
	}
}

// adminAt is the listener of an address of the admin that has moved here, nil if none has.
func (p *predecessor) adminAt(address string) (net.Listener, error) {
	socket, ok := p.takeSocket(roleAdmin, address)
	if !ok {
		return nil, nil
	}
	return listenerOf(socket)
}

// takeSocket gives away the one socket of an address that is ours to accept on; false: there is none.
func (p *predecessor) takeSocket(r role, address string) (fd int, ok bool) {
	if p == nil {
		return -1, false
	}
	key := listenerKey{r, address}
	moved := p.listeners[key]
	if moved == nil {
		return -1, false
	}
	delete(p.listeners, key)
	handover.CloseAll(slices.Concat(moved.fds...)[1:])
	return moved.fds[0][0], true
}

// pastOf is what the admin knew of the past, nil if there is none.
func (p *predecessor) pastOf() []*admin.Past {
	if p == nil {
		return nil
	}
	return p.past
}

// has says whether sockets of an address of listen have moved here.
func (p *predecessor) has(address string) bool {
	return p != nil && p.listeners[listenerKey{rolePlain, address}] != nil
}

// begun is when everything goes on here.
func (s *Server) begun() {
	p := s.before
	s.before = nil
	s.unsettled = p.streams
	if err := p.conn.Send(kindRunning, nothing{}); err != nil {
		s.log.Warn("upgrade: the process before cannot be told that this one serves", "err", err)
	}
	p.conn.Close()
	s.log.Info("upgrade: taken over", "connections", len(p.viewers)+len(p.conns), "streams", len(p.streams))
}

// tasksOf is what the process before has left of a stream's tasks, in their order; nil: nothing.
func (p *predecessor) tasksOf(st *stream.Stream) []*inheritance {
	if p == nil {
		return nil
	}
	for i := range p.streams {
		if p.streams[i].stream == st {
			return p.streams[i].tasks
		}
	}
	return nil
}

// settle is for a while after all has moved here: what nobody has taken up by then is lost.
func (s *Server) settle() {
	for i := range s.unsettled {
		s.unsettled[i].stream.Settle()
	}
	s.unsettled = nil
}
