package pull

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging/logtest"
	"pumpd/server/pulse"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
	"pumpd/server/upstream"
	"pumpd/server/via"
)

// A process is one of several that feed a stream one after another, in this one.
type process struct {
	t      *testing.T
	cfg    config.Stream
	clock  clock.Clock
	log    *logtest.Book
	dial   func(*puller) // as the test wants it; nil: as always
	st     *stream.Stream
	first  *stream.Element // that it has had
	signal *standstill.Signal
	ended  chan struct{}
	stop   context.CancelFunc
}

func newProcess(t *testing.T, cfg config.Stream) *process {
	cfg.Path, cfg.Type = "x", config.TypePull
	p := &process{t: t, cfg: cfg, clock: clock.New(), log: &logtest.Book{}}
	p.make()
	return p
}

func (p *process) make() {
	p.st, _ = streamtest.New(p.t, p.cfg, streamtest.Options{Clock: p.clock, Log: slog.New(p.log)})
	p.signal, p.ended = standstill.NewSignal(), make(chan struct{})
}

// run goes on with what is left of another process, if it is not nil.
func (p *process) run(from *Inheritance) {
	ctx, stop := context.WithCancel(p.t.Context())
	p.stop = stop
	pull, err := newPuller(p.st, config.Default, via.NewName())
	if err != nil {
		p.t.Fatal(err)
	}
	pull.signal, pull.from = p.signal, from
	if p.dial != nil {
		p.dial(pull)
	}
	ended := p.ended
	go func() {
		defer close(ended)
		pull.run(ctx)
	}()
}

// park has it stand still, and gives what goes along.
func (p *process) park() (s *Snapshot, socket *os.File) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := p.signal.Park(ctx, p.ended); err != nil {
		p.t.Fatal(err)
	}
	state := p.signal.State()
	if state.FD >= 0 {
		fd, err := syscall.Dup(state.FD)
		if err != nil {
			p.t.Fatal(err)
		}
		socket = os.NewFile(uintptr(fd), "upstream")
	}
	s = streamtest.Gob(p.t, state.Snapshot.(*Snapshot))
	if err := s.Check(); err != nil {
		p.t.Fatal(err)
	}
	return s, socket
}

// successor is the process after one that stands still, which is gone then. It does not run yet.
func (p *process) successor() *process {
	p.t.Helper()
	n := *p
	n.make()
	streamtest.Move(p.t, p.st, n.st)
	p.signal.Leave()
	<-p.ended
	if n.st.Joins() != nil {
		n.first = n.st.Joins().Start
	}
	return &n
}

// move has another process go on. The caller has it run.
func (p *process) move() (n *process, from *Inheritance) {
	p.t.Helper()
	s, socket := p.park()
	n = p.successor()
	from = Inherit(n.st, s, socket)
	n.st.Settle()
	return n, from
}

// A recorder collects a chain that several processes write.
type recorder struct {
	chain []byte
	last  *stream.Element
	jumps []int // packets that are missing between two
}

// take adds what the process has that is not there yet.
func (r *recorder) take(p *process) {
	if p.first == nil && p.st.Joins() != nil {
		p.first = p.st.Joins().Start // the first one of all, if it is soon enough
	}
	for _, e := range streamtest.Elements(p.first) {
		if r.last != nil && !e.After(r.last) {
			continue
		}
		before := r.number()
		r.chain, r.last = appendElement(r.chain, e), e
		if now := r.number(); before >= 0 && now != before+1 {
			r.jumps = append(r.jumps, now-before-1)
		}
	}
}

// number is that of the last packet; -1: there is none.
func (r *recorder) number() int {
	if r.last == nil || r.last.Kind() != stream.PacketElement {
		return -1
	}
	return int(asftest.Number(r.last.Full()))
}

// A pull that goes over to another process again and again feeds its stream as one that never does: not a byte is lost,
// none comes twice.
func TestMoves(t *testing.T) {
	for i := range bodies {
		b := &bodies[i]
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2) {
				want, _ := movingRun(t, b, seed, 0)
				got, moves := movingRun(t, b, seed, 20)
				if len(want) < 150*200 || !bytes.Equal(got, want) || moves < 15 {
					t.Errorf("seed %d: %d bytes in the chain after %d moves, without any %d", seed, len(got), moves, len(want))
				}
			}
		})
	}
}

// movingRun pulls over a real connection until the upstream has nothing more, and is moved so often meanwhile: when the
// upstream is ahead of the moves, which take their time on a busy machine, it waits for them.
func movingRun(t *testing.T, b *body, seed uint64, times int) (chain []byte, moves int) {
	var moved atomic.Int64
	over := make(chan struct{})
	defer close(over)
	at, calls := upstreamOf(t, func(c net.Conn) {
		list, _ := pieces(b.reply(), rand.New(rand.NewPCG(seed, 0)))
		begin := len(list) / 4 // by then there is something to move
		for i, part := range list {
			for int(moved.Load()) < times*(i-begin)/(len(list)-begin) {
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
				}
			}
			if _, err := c.Write(part); err != nil {
				return
			}
			time.Sleep(3 * time.Millisecond)
		}
		io.Copy(io.Discard, c)
	})
	p := newProcess(t, config.Stream{URL: "mmsh://" + at + "/"})
	p.run(nil)
	var r recorder
	random := rand.New(rand.NewPCG(seed, 1))
	for deadline := time.Now().Add(time.Minute); r.number() < b.last(); r.take(p) {
		if time.Now().After(deadline) {
			t.Fatalf("at packet %d after %d moves, want %d", r.number(), moves, b.last())
		}
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		if moves == times || r.last == nil {
			continue
		}
		n, from := p.move()
		r.take(p)
		p = n
		moved.Add(1)
		if moves++; from.source == nil || from.socket == nil {
			t.Fatalf("move %d: source %v, socket %v", moves, from.source, from.socket)
		}
		p.run(from)
	}
	p.stop()
	<-p.ended
	if n := calls.Load(); n > 2 || strings.Contains(p.log.Text(), "WARN") {
		t.Errorf("%d connections, log:\n%s", n, p.log.Text())
	}
	return r.chain, moves
}

// An endlessUpstream has a packet every 40 ms since it began, with a key frame every ten.
func endlessUpstream(begun time.Time, burst time.Duration) script {
	return func(c *call) {
		if !c.play {
			c.say(fmt.Appendf(nil, wmsDescribe, len(framedHeader), framedHeader))
			return
		}
		const step = 40 * time.Millisecond
		c.say([]byte(wmsPlay), framedHeader)
		now := int(time.Since(begun) / step)
		i := now - int(burst/step)
		for i = max(0, i); burst > 0 && i%10 > 0; i-- { // from a key frame on
		}
		for ; ; i++ {
			time.Sleep(time.Until(begun.Add(time.Duration(i) * step)))
			packet := asftest.Packet(uint32(i), uint32(i)*40, i%10 == 0, 200, 60)
			if _, err := c.Write(dataFrame('D', uint32(i), byte(i), packet)); err != nil {
				return
			}
		}
	}
}

// Where the connection does not go along, as that of TLS, another one is made, and its packets are lined up with what
// is in the chain: nothing is missing and nothing comes twice where the upstream begins with its past, as pumps do.
// Else there is no more missing than what was sent in between, up to the next key frame.
func TestDialsAnew(t *testing.T) {
	for _, tt := range []struct {
		name  string
		burst time.Duration
		away  time.Duration // from one process to the next
		lost  int           // packets
	}{
		{"with a burst", 3 * time.Second, 0, 0},
		{"with a burst, after a while", 3 * time.Second, 2 * time.Second, 0},
		{"without", 0, 100 * time.Millisecond, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				s := newScene(t, "mmsh://a.example/")
				s.hosts["a.example:80"] = endlessUpstream(begun, tt.burst)
				p := newProcess(t, config.Stream{URLs: []string{"mmsh://a.example/"}})
				p.dial = func(pull *puller) { pull.Dialer.Connect = s.connect }
				p.st.Stats().Viewers.Add(1) // a pipe has no room for what is left in it at leisure
				p.run(nil)
				time.Sleep(10 * time.Second)
				var r recorder
				r.take(p)
				n, from := p.move()
				if from.source == nil || from.socket != nil {
					t.Errorf("source %v, socket %v", from.source, from.socket)
				}
				r.take(p)
				time.Sleep(tt.away)
				n.st.Stats().Viewers.Add(1)
				n.run(from)
				before := r.number()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				r.take(n)
				if len(r.jumps) > 1 || len(r.jumps) == 1 && r.jumps[0] > tt.lost || r.number() < before+200 {
					t.Errorf("jumps %d, at packet %d, before the move at %d\n%s", r.jumps, r.number(), before, p.log.Text())
				}
				if strings.Contains(p.log.Text(), "WARN") || n.st.Stats().Generations.Load() != 1 {
					t.Errorf("%d generations, log:\n%s", n.st.Stats().Generations.Load(), p.log.Text())
				}
				n.stop()
				<-n.ended
				s.hang()
			})
		})
	}
}

// An upstream that is not in the configuration any more is left alone, and what is there now goes on with the stream;
// the same where the snapshot does not fit.
func TestMovesNowhere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*process, *Snapshot)
	}{
		{"another url", func(p *process, _ *Snapshot) { p.cfg.URL += "other" }},
		{"no claim", func(_ *process, s *Snapshot) { s.Feeds = false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			headers, packets := media(20)
			var closed atomic.Int32
			at, calls := upstreamOf(t, func(c net.Conn) {
				c.Write(append([]byte(wmsPlay), framed(headers[:1], packets[:1])...))
				io.Copy(io.Discard, c)
				closed.Add(1)
			})
			p := newProcess(t, config.Stream{URL: "mmsh://" + at + "/"})
			p.run(nil)
			until(t, func() bool { return p.st.Stats().PacketsIn.Load() == 20 })
			s, socket := p.park()
			tt.spoil(p, s)
			n := p.successor()
			n.run(Inherit(n.st, s, socket))
			n.st.Settle()
			until(t, func() bool { return calls.Load() == 2 && closed.Load() == 1 && n.st.Writer() != nil })
			if strings.Contains(p.log.Text(), "source lost") {
				t.Errorf("log:\n%s", p.log.Text())
			}
			n.stop()
			<-n.ended
		})
	}
}

// What on demand is awake stays so, and as long as it would have.
func TestMovesAwake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://a.example/")
		s.hosts["a.example:80"] = endlessUpstream(time.Now(), 3*time.Second)
		p := newProcess(t, config.Stream{URLs: []string{"mmsh://a.example/"}, OnDemand: true,
			IdleClose: config.Duration(10 * time.Second)})
		p.dial = func(pull *puller) { pull.Dialer.Connect = s.connect }
		p.run(nil)
		p.st.Stats().Viewers.Add(1)
		p.st.Want()
		time.Sleep(5 * time.Second)
		p.st.Stats().Viewers.Add(-1)
		time.Sleep(5 * time.Second)
		n, from := p.move()
		n.run(from)
		time.Sleep(4 * time.Second)
		if n.st.State() != stream.Live {
			t.Errorf("%v in spite of idle_close", n.st.State())
		}
		time.Sleep(4 * time.Second)
		if n.st.State() != stream.Idle {
			t.Errorf("%v, want it closed", n.st.State())
		}
		n.stop()
		<-n.ended
		s.hang()
	})
}

// until waits for a condition.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to that")
		}
	}
}

// Whatever comes from another process is refused or can be read on, and nothing breaks.
func FuzzSnapshot(f *testing.F) {
	for i := range bodies {
		f.Add(seedOf(f, &bodies[i]), bodies[i].reply()[400:3000])
	}
	f.Fuzz(func(t *testing.T, description, rest []byte) {
		var s Snapshot
		if gob.NewDecoder(bytes.NewReader(description)).Decode(&s) != nil || s.Check() != nil || s.Lane == nil {
			return
		}
		ours, theirs := net.Pipe()
		go func() {
			theirs.Write(rest)
			theirs.Close()
		}()
		c := &upstream.Client{Stall: func() time.Duration { return time.Second }}
		a := c.Resume(t.Context(), &s.Lane.Answer, ours)
		defer a.Close()
		for {
			if _, err := a.Next(); err != nil {
				return
			}
		}
	})
}

// seedOf is a real description, of a body in the middle.
func seedOf(f *testing.F, b *body) []byte {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := &upstream.Client{Stall: func() time.Duration { return time.Second }}
	s := &Snapshot{Feeds: true, Lane: &LaneSnapshot{URL: "mmsh://a.example/", Header: header320, Began: 7,
		Pulse:  pulse.Pulse{Packets: 3, First: 7, Latest: 9},
		Answer: upstream.Snapshot{Length: -1, Known: true}}}
	switch {
	case b.file:
		s.Lane.File, s.Lane.Answer.Packet, s.Lane.Answer.Length, s.Lane.Answer.Left = true, 200, 30000, 20000
	case strings.Contains(b.head, "chunked"):
		s.Lane.Answer.Chunked = true
	}
	if err := s.Check(); err != nil {
		f.Fatal(err)
	}
	c.Resume(f.Context(), &s.Lane.Answer, ours).Close()
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(s); err != nil {
		f.Fatal(err)
	}
	return out.Bytes()
}

// upstreamOf is a server that serves each connection once it has had a request, and its address.
func upstreamOf(t *testing.T, serve func(net.Conn)) (at string, calls *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls = new(atomic.Int32)
	var work sync.WaitGroup
	t.Cleanup(work.Wait)
	t.Cleanup(func() { l.Close() })
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			work.Go(func() {
				defer c.Close()
				var head []byte
				for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
					if _, err := io.ReadFull(c, one); err != nil {
						return
					}
				}
				serve(c)
			})
		}
	})
	return l.Addr().String(), calls
}
