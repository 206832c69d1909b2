package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"pumpd/server/clock"
	"pumpd/server/handover"
	"pumpd/server/reason"
)

// The sockets of viewers go to the new process ahead of everything else, while all still goes on in the old one, and
// are gnet's there before that takes over: to pass and enrol thousands takes longer than viewers may wait. Nothing can
// be lost by it: what viewers send is thrown away in either process, and the old one goes on sending.
//
//	old ── sockets of 200 viewers, as their loop has them ──▶ new: enrolled
//	    ◀── next, or enough ─────────────────────────────────

// A sentAhead is what is told of sockets that go ahead: what the kernel calls them, and in a second message what they
// are is told by that name.
type sentAhead struct{ Names []uint64 }

// socketName is what the kernel calls a socket: no other one of this machine has or had that name.
func socketName(fd int) (uint64, error) {
	name, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		return 0, fmt.Errorf("SO_COOKIE: %w", err)
	}
	return name, nil
}

// sendAhead goes through all viewers until few are left that have come meanwhile.
func (s *Server) sendAhead(ctx context.Context, to *handover.Conn) error {
	const few, most = 100, 4 // they may come as fast as they go
	s.node.tell(func(l *loop, _ clock.Instant) { l.sent = map[*conn]struct{}{} })
	for range most {
		n, err := s.sendAheadOnce(ctx, to)
		if n < few || err != nil {
			return err
		}
	}
	return nil
}

// sendAheadOnce has each loop send the sockets of its viewers, in pieces, and returns how many those were.
func (s *Server) sendAheadOnce(ctx context.Context, to *handover.Conn) (n int, err error) {
	for _, l := range s.node.loops {
		for from := 0; l.turned.Load() != 0; {
			done := make(chan aheadPiece, 1)
			l.tell(func(clock.Instant) { done <- l.sendAhead(to, from) })
			var got aheadPiece
			select {
			case got = <-done:
			case <-ctx.Done():
				return n, ctx.Err()
			}
			if got.err != nil {
				return n, got.err
			}
			for range got.messages { // so that the next ones find room, and no loop waits for it
				if err := expect(to, kindNext); err != nil {
					return n, err
				}
			}
			if n, from = n+got.sockets, got.next; from == 0 {
				break
			}
		}
	}
	return n, nil
}

// An aheadPiece is what one call of a loop has sent.
type aheadPiece struct {
	sockets  int
	messages int // in which they are; fewer than fill the buffer of the way there, so that sending does not wait
	next     int // descriptor to go on with; 0: those were all
	err      error
}

const aheadMessages = 8 // in one call: a full pump's loop is called a few times a second

// sendAhead sends the sockets of some viewers from a descriptor on that have not been sent.
func (l *loop) sendAhead(to *handover.Conn, from int) (p aheadPiece) {
	p.next = from
	for p.messages < aheadMessages && p.err == nil {
		var ahead sentAhead
		var fds []int
		for ; p.next < len(l.conns) && len(fds) < handover.MostDescriptors; p.next++ {
			c := l.conns[p.next]
			if c == nil || c.viewer == nil || !c.canMove() {
				continue
			}
			_, gone := l.sent[c]
			_, lodges := l.lodgers[c] // what it says must come in one piece
			if gone || lodges {
				continue
			}
			name, err := socketName(p.next)
			if err != nil {
				p.err = err
				return p
			}
			l.sent[c] = struct{}{}
			ahead.Names, fds = append(ahead.Names, name), append(fds, p.next)
		}
		if len(fds) == 0 {
			break
		}
		p.sockets, p.messages = p.sockets+len(fds), p.messages+1
		p.err = to.Send(kindAhead, &ahead, fds...)
	}
	if p.next >= len(l.conns) {
		p.next = 0
	}
	return p
}

func expect(from *handover.Conn, kind handover.Kind) error {
	m, err := from.Expect(kind)
	if err == nil {
		m.Close()
	}
	return err
}

// An earlyConn is a viewer's connection that is gnet's here, while nobody knows yet whether it is to be ours.
type earlyConn struct {
	loop *loop
	wire *gnetWire // which has no conn yet
	fd   int
}

// takeAhead enrols sockets that have come ahead.
func (s *Server) takeAhead(m *handover.Message) error {
	var ahead sentAhead
	if err := m.Decode(&ahead); err != nil {
		return err
	}
	if len(ahead.Names) != len(m.FDs) {
		return fmt.Errorf("%d names, %d sockets", len(ahead.Names), len(m.FDs))
	}
	some := make([]*enrolment, 0, len(m.FDs))
	sockets := make([]net.Conn, 0, len(m.FDs))
	fds := m.Take()
	for i, fd := range fds {
		socket, err := connOf(fd)
		switch {
		case errors.Is(err, errHungUp):
			continue
		case err != nil:
			handover.CloseAll(fds[i+1:])
			return err
		}
		e := &earlyConn{}
		s.before.early[ahead.Names[i]] = e
		some, sockets = append(some, &enrolment{early: e}), append(sockets, socket)
	}
	s.reactor.enrollAll(some, sockets, func(i int, err error) {
		some[i].early.wire, some[i].early.loop = &gnetWire{}, s.node.loops[0] // as one that has hung up
		s.log.Error("upgrade: a connection is lost", "from", sockets[i].RemoteAddr(), "err", err)
	})
	return s.before.conn.Send(kindNext, nothing{})
}

// adoptEarly makes viewers of those whose sockets have come ahead, and closes what nobody has come for.
func (s *Server) adoptEarly() {
	p := s.before
	var all sync.WaitGroup
	for _, l := range s.node.loops {
		if l.turned.Load() == 0 {
			continue // it has none
		}
		gone := p.gone
		p.gone = nil // the first loop tells of them
		all.Add(1)
		l.tell(func(now clock.Instant) {
			defer all.Done()
			for _, a := range gone {
				l.adoptGone(a, now)
			}
			for _, a := range p.viewers {
				switch e := a.early; {
				case e.loop != l:
				case e.wire.conn == nil:
					l.adoptGone(a, now)
				default:
					e.wire.c = l.adopt(a, e.wire, e.fd, now)
				}
			}
			for _, e := range p.early {
				if e.loop == l && e.wire.conn != nil {
					_ = e.wire.conn.EventLoop().Close(e.wire.conn)
				}
			}
		})
	}
	all.Wait()
}

// adoptGone tells of one that has hung up meanwhile, if it was a viewer.
func (l *loop) adoptGone(a *arrivingConn, now clock.Instant) {
	if a.viewer == nil {
		return
	}
	c := &conn{loop: l, wire: &gnetWire{}, remote: a.Remote, fd: -1, slot: -1, heldSlot: -1, phase: closed,
		who: a.who(), why: reason.ClientClosed}
	if a.Name != "" {
		l.asking[c] = &inquiry{viewer: a.Name}
	}
	l.hub.Adopt(a.viewer, a.stream, now)
	c.viewer = a.viewer
	l.part(c, now)
	delete(l.asking, c)
}
