package server

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/reason"
)

// However a viewer hangs up, it is gone, also while nothing is sent to it.
func TestViewersThatHangUp(t *testing.T) {
	s := startTLSServer(t, nil)
	s.push()
	for _, hangUp := range []func(*net.TCPConn){
		func(c *net.TCPConn) { c.Close() },
		func(c *net.TCPConn) { c.CloseWrite() },
		func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		func(c *net.TCPConn) { c.Write(make([]byte, 100<<10)); c.Close() },
	} {
		for range 5 {
			c := dial(t, s.plain)
			watchOn(t, c, ffmpegAgent)
			hangUp(c.(*net.TCPConn))
		}
	}
	s.until("only the encoder is inside", func() bool { return s.gate.inside.Load() == 1 })
	if n := s.stats.ended[reason.ClientClosed].Load(); n < 20 {
		t.Errorf("%d connections ended as %s, want at least 20", n, reason.ClientClosed)
	}
}

// Loops share viewers, if not evenly: the kernel deals connections out by a hash of their addresses.
func TestLoopsShareViewers(t *testing.T) {
	s := startTLSServer(t, nil)
	s.push()
	const herd = 120
	var all []net.Conn
	for range herd {
		all = append(all, dial(t, s.plain))
	}
	for _, c := range all {
		watchOn(t, c, ffmpegAgent)
	}
	counts, sum := s.viewers(func(*fanout.Viewer) bool { return true }), 0
	for _, n := range counts {
		sum += n
	}
	if sum != herd || len(counts) != len(s.node.loops) || slices.Min(counts) < herd/10 {
		t.Errorf("viewers of %d loops: %d, want %d in all", len(s.node.loops), counts, herd)
	}
}

// A viewer may say what it likes, and as much: it and the others get their stream.
func TestViewerThatTalks(t *testing.T) {
	s := startTLSServer(t, nil)
	source := s.push()
	talker, silent := dial(t, s.plain), dial(t, s.plain)
	bodies := []io.Reader{watchOn(t, talker, ffmpegAgent), watchOn(t, silent, ffmpegAgent)}
	talked := make(chan error, 1)
	go func() {
		_, err := talker.Write(make([]byte, 32<<20)) // more than heard takes at once
		talked <- err
	}()
	const packets = 50
	for i := range uint32(packets - 1) {
		source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(i+1, i*40+40, false, asftest.PacketSize, 500)))
	}
	if err := await(t, talked, "the end of the talk"); err != nil {
		t.Errorf("talker: %v", err)
	}
	source.Write(codec.AppendReason(nil, 'E', 0))
	for i, body := range bodies {
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&rig{t: t}).read(b); len(got.numbers) != packets || got.ended != 0 {
			t.Errorf("viewer %d: %d packets, $E %d, want %d, 0", i, len(got.numbers), got.ended, packets)
		}
	}
}

// A viewer that takes nothing does not hold the server up when it stops, nor its socket open.
func TestStopBesideAStalledViewer(t *testing.T) {
	t.Parallel()
	s := startTLSServer(t, nil)
	source := s.push()
	stalled := dial(t, s.plain)
	stalled.(*net.TCPConn).SetReadBuffer(4 << 10)
	watchOn(t, stalled, ffmpegAgent)
	number := uint32(0)
	s.until("it is blocked", func() bool {
		for range 100 {
			number++
			source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(number, number, false, asftest.PacketSize, 500)))
		}
		return s.blocked() == 1
	})
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	s.until("nobody is inside", func() bool { return s.gate.inside.Load() == 0 }) // what is late may be so after the end
	stalled.SetDeadline(time.Now().Add(time.Minute))                              // that of dial may be over
	if _, err := io.Copy(io.Discard, stalled); err != nil {
		t.Errorf("the stalled viewer's end: %v, want FIN", err)
	}
}

// blocked counts the viewers that wait for their sockets.
func (s *tlsServer) blocked() (n int) {
	for _, n1 := range s.viewers(func(v *fanout.Viewer) bool { return v.Blocked() }) {
		n += n1
	}
	return n
}

// viewers counts those that match, on each loop that ever had a connection.
func (s *tlsServer) viewers(match func(*fanout.Viewer) bool) (counts []int) {
	for _, e := range s.reactor.loops {
		if e.runs.Load() == nil {
			continue
		}
		l, counted := e.loop, make(chan int)
		l.tell(func(clock.Instant) {
			n := 0
			for _, c := range l.conns {
				if c != nil && c.viewer != nil && match(c.viewer) {
					n++
				}
			}
			counted <- n
		})
		counts = append(counts, await(s.t, counted, "the loop"))
	}
	return counts
}
