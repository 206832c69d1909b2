package e2e

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A link is a TCP relay that behaves as badly as a network can. It needs neither root nor a network namespace, as bench
// link does: it works on a stream of bytes and not on packets, so that loss is what an application sees of it, a stall
// of everything behind what was lost, and the rate that is left to TCP. What the kernel's own retransmission would do
// under real loss it cannot show.
type link struct {
	addr   string // to connect to instead of the target
	target string
	shape  shape
	ln     net.Listener

	mu      sync.Mutex
	conns   map[*net.TCPConn]bool
	refuses bool
	count   uint64 // of connections, which seeds their dice
}

// A shape is what a link does to each direction of a connection.
type shape struct {
	delay  time.Duration // of every segment
	loss   float64       // 0 to 1, share of segments that are lost once
	resend time.Duration // how long a lost segment holds up all that follow
	rate   float64       // bytes a second; 0: no limit
}

// lossy is 5 % loss with 300 ms of delay each way. A lost segment is back after a round trip. TCP's rate under loss is
// about 1.2 segments of 1448 bytes / (round trip × √loss): 13 KB a second.
var lossy = shape{delay: 300 * time.Millisecond, loss: 0.05, resend: 600 * time.Millisecond, rate: 13e3}

const (
	segmentSize = 1448
	segmentsOut = 256 // on their way in one direction, then the sender has to wait
)

func startLink(t *testing.T, target string, s shape) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{addr: ln.Addr().String(), target: target, shape: s, ln: ln, conns: map[*net.TCPConn]bool{}}
	var running sync.WaitGroup
	running.Go(func() { l.accept(&running) })
	t.Cleanup(func() {
		ln.Close()
		l.cut(true)
		running.Wait()
	})
	return l
}

func (l *link) accept(running *sync.WaitGroup) {
	for {
		in, err := l.ln.Accept()
		if err != nil {
			return
		}
		running.Go(func() { l.relay(in.(*net.TCPConn)) })
	}
}

// relay carries one connection until both directions are over.
func (l *link) relay(in *net.TCPConn) {
	defer in.Close()
	seed, ok := l.enter(in)
	if !ok {
		return
	}
	defer l.leave(in)
	conn, err := net.DialTimeout("tcp", l.target, patience)
	if err != nil {
		return
	}
	defer conn.Close()
	out := conn.(*net.TCPConn)
	if _, ok := l.enter(out); !ok {
		return
	}
	defer l.leave(out)
	var both sync.WaitGroup
	both.Go(func() { l.carry(out, in, rand.New(rand.NewPCG(seed, 1))) })
	both.Go(func() { l.carry(in, out, rand.New(rand.NewPCG(seed, 2))) })
	both.Wait()
}

// enter remembers a connection; it is reset if the link refuses them now.
func (l *link) enter(conn *net.TCPConn) (seed uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		conn.SetLinger(0)
		return 0, false
	}
	l.count++
	l.conns[conn] = true
	return l.count, true
}

func (l *link) leave(conn *net.TCPConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

// cut ends all connections: with a reset, or with a FIN. Until allow is called there are no new ones.
func (l *link) cut(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = true
	for conn := range l.conns {
		if reset {
			conn.SetLinger(0)
		}
		conn.Close()
	}
}

func (l *link) allow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = false
}

// A segment is on its way.
type segment struct {
	due  time.Time
	data []byte
}

// carry takes one direction from its first byte to its FIN.
func (l *link) carry(to, from *net.TCPConn, dice *rand.Rand) {
	way := make(chan segment, segmentsOut)
	go l.collect(way, from, dice)
	broken := false
	for s := range way {
		if broken {
			continue // until the reading side has noticed
		}
		if wait := time.Until(s.due); wait > 0 {
			<-time.After(wait)
		}
		if _, err := to.Write(s.data); err != nil {
			broken = true
			from.Close()
		}
	}
	to.CloseWrite()
}

// collect reads segments and decides when each arrives.
func (l *link) collect(way chan<- segment, from io.Reader, dice *rand.Rand) {
	defer close(way)
	var free time.Time // when everything before has arrived
	for {
		b := make([]byte, segmentSize)
		n, err := from.Read(b)
		if n > 0 {
			due := time.Now().Add(l.shape.delay)
			if dice.Float64() < l.shape.loss {
				due = due.Add(l.shape.resend)
			}
			if l.shape.rate > 0 {
				free = free.Add(time.Duration(float64(n) / l.shape.rate * float64(time.Second)))
			}
			if due.Before(free) {
				due = free
			}
			free = due
			way <- segment{due, b[:n]}
		}
		if err != nil {
			return
		}
	}
}
