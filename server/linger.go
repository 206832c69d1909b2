package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/handover"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// What is left of a process that has handed everything over: whoever speaks TLS, whose keys nobody can move, and
// connections that are just about to close. Encoders, and those whose request is still to come, it relays, see
// relay.go. Viewers it serves to their end, and is a pump behind the new one meanwhile: for each stream that is watched
// here there is a connection on which the new process has a viewer, which goes on just where the stream has come to:
//
//	new: stream ── a viewer like any other ──▶ old: follow ─▶ stream ─▶ viewers with TLS

// linger serves what could not move, for timeouts.upgrade_linger at the most, and returns when nothing is left. cancel
// cancels ctx, by which all goes on that the end waits for.
func (s *Server) linger(ctx context.Context, cancel context.CancelFunc) error {
	close(s.over)
	s.leaveTasks()
	s.stopAdmin()
	for _, b := range s.booked {
		if err := abandon(b); err != nil { // or we would accept what is the new process's
			return errors.Join(err, s.lastWords())
		}
	}
	if s.left() == 0 {
		return s.lastWords()
	}
	s.log.Info("upgrade: what cannot move is served here to its end", "connections", s.left(),
		"for", time.Duration(s.config().Timeouts.UpgradeLinger))
	handover.Reach(handover.Lingering)
	d := s.handed
	d.frozen.loops.each(func(l *loop, now clock.Instant) { l.forgetMoved(d, now) })
	d.relays.start(ctx, &s.helpers)
	for _, f := range d.follows {
		f.base = f.stream.Stats().BytesOut.Load()
		s.helpers.Go(func() { s.follow(ctx, f) })
	}
	d.frozen.loops.goOn()
	s.retire(s.removed(d), map[*stream.Stream]dismissal{})
	s.outlast(ctx)
	cancel()
	return errors.Join(s.lastWords(), s.stop())
}

// removed are the streams that the new process does not have.
func (s *Server) removed(d *departure) (list []*stream.Stream) {
	for _, st := range s.reg.Streams() {
		if _, moved := d.places[st]; !moved {
			list = append(list, st)
		}
	}
	return list
}

// lastWords waits until whoever has asked for the upgrade knows what came of it, and for the access log.
func (s *Server) lastWords() error {
	s.upgrading.Lock()
	defer s.upgrading.Unlock()
	s.node.visits.Close()
	return nil
}

// left is how many connections have not moved, or are relayed.
func (s *Server) left() int64 {
	d := s.handed
	return s.gate.inside.Load() - int64(len(d.moved)) + int64(len(d.relays.list))
}

// leaveTasks ends what goes on in the new process, without a word.
func (s *Server) leaveTasks() {
	for _, all := range s.running {
		for _, r := range all {
			if r != nil {
				r.leave()
			}
		}
	}
	clear(s.running)
}

// outlast waits for the last connection to end.
func (s *Server) outlast(ctx context.Context) {
	over := time.NewTimer(time.Duration(s.config().Timeouts.UpgradeLinger))
	defer over.Stop()
	tick := time.NewTicker(lingerCheck)
	defer tick.Stop()
	here := func() int64 { return s.gate.inside.Load() + s.handed.relays.going.Load() }
	for here() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-s.drained: // by a SIGTERM that came when nobody knew yet that all is handed over
			return
		case <-over.C:
			s.log.Warn("upgrade: the time for what could not move is over", "connections", here())
			return
		case <-s.reactor.done:
			return
		case <-tick.C:
			now := s.clock.Now()
			s.reg.Reap(now)
			s.gate.expire(now)
			for _, f := range s.handed.follows {
				f.report(s)
			}
		}
	}
}

const lingerCheck = 200 * time.Millisecond

// forgetMoved drops the conns that are the new process's, without a word to anybody, and ends the pushes that could not
// move: their streams are fed elsewhere, and they come there when they come again.
func (l *loop) forgetMoved(d *departure, now clock.Instant) {
	l.owner.check()
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if _, moved := d.moved[c]; moved {
			l.forget(c, now)
		} else if c.push != nil {
			l.mark(c, reason.ShuttingDown)
		}
	}
}

func (l *loop) forget(c *conn, now clock.Instant) {
	if c.viewer != nil {
		l.leaveLodgers(c)
		l.unseat(c, l.hub.Part(c.viewer, reason.None, now).Stream)
		c.viewer = nil
	}
	l.unlistHeld(c)
	c.waitNoMore()
	delete(l.asking, c)
	delete(l.since, c)
	delete(l.fronts, c)
	l.unschedule(c)
	l.conns.remove(c)
	c.push, c.phase, c.why = nil, closed, reason.ClientClosed
	c.wire.close(false) // ours is one of two descriptors: the peer hears nothing
}

// A follow is a stream that is watched by who cannot move.
type follow struct {
	stream *stream.Stream
	from   net.Conn // what the new process's viewer is sent
	base   uint64   // bytes that viewers had been sent when it began
	told   lodgers  // what the new process knows
	mute   bool     // it can be told nothing any more
}

// addFollows adds a viewer in the new process for each stream that is watched by who stays here, or may be.
func (d *departure) addFollows(now clock.Instant) error {
	for st, place := range d.places {
		seats, stays := d.stay[st]
		if !stays && !d.asked {
			continue
		}
		v, ok := fanout.Follower(d.exports[place], now)
		if !ok {
			continue // it is not up
		}
		told := lodgers{seats: seats}
		here, err := d.addEnd(movedConn{Stream: place, Viewer: &v, Agent: "pumpd before its upgrade",
			Lodgers: told.append(nil)})
		if err != nil {
			return fmt.Errorf("stream %s: %w", st.Config().Path, err)
		}
		d.follows = append(d.follows, &follow{stream: st, from: here, told: told})
	}
	return nil
}

// tcpPair is two ends of a connection of this machine with itself.
func tcpPair() (a, b *net.TCPConn, err error) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)))
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if a, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr)); err != nil {
		return nil, nil, err
	}
	for {
		if b, err = l.AcceptTCP(); err != nil {
			a.Close()
			return nil, nil, err
		}
		if b.RemoteAddr().String() == a.LocalAddr().String() {
			return a, b, nil
		}
		b.Close() // somebody else was faster
	}
}

// follow feeds a stream with what the new process sends, until that ends.
func (s *Server) follow(ctx context.Context, f *follow) {
	defer f.from.Close()
	defer context.AfterFunc(ctx, func() { f.from.Close() })()
	source, err := f.source()
	if err != nil {
		f.stream.Log().Error("upgrade: viewers with TLS are lost", "err", err)
		return
	}
	switch err := f.feed(source); {
	case err == nil:
		source.End()
	case ctx.Err() != nil:
		source.Yield()
	default:
		source.Lost(err)
	}
}

// source goes on as the source that has moved.
func (f *follow) source() (*stream.Source, error) {
	const who = "the new process"
	var s *stream.Source
	if before := f.stream.Writer(); before != nil {
		s = before.Succeed(who)
	} else {
		var err error
		if s, err = f.stream.Claim(stream.Claim{Kind: stream.Pull, Who: who}); err != nil {
			return nil, err
		}
	}
	if err := s.Header(f.stream.Header().Raw); err != nil {
		return nil, err
	}
	s.Follow(stream.TieExact)
	return s, nil
}

// feed returns nil where the new process says that the stream is over.
func (f *follow) feed(source *stream.Source) error {
	in := make([]byte, 0, followBuffer)
	for {
		n, err := f.from.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		used := 0
		for {
			frame, size, err := codec.ParseFrame(in[used:])
			if errors.Is(err, codec.ErrShort) {
				break
			}
			if err != nil {
				return err
			}
			used += size
			over, err := f.frame(source, frame)
			if over || err != nil {
				return err
			}
		}
		in = in[:copy(in, in[used:])]
		if err != nil {
			return err
		}
		if len(in) == cap(in) {
			return io.ErrShortBuffer
		}
	}
}

// followBuffer is more than any frame takes.
const followBuffer = 256 << 10

func (f *follow) frame(source *stream.Source, frame codec.Frame) (over bool, err error) {
	switch frame.Type {
	case 'E':
		why, err := frame.Reason()
		return why == 0, err
	case 'H', 'D':
		d, err := codec.ParseData(frame.Body)
		if err != nil {
			return false, err
		}
		if frame.Type == 'H' {
			return false, source.Header(d.Payload)
		}
		return false, source.Packet(d.Payload)
	}
	return false, nil
}
