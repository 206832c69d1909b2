// Package upstream serves a source to whoever connects: as a server to pull from, or to watch.
package upstream

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"pumpd/asf"
	"pumpd/bench/source"
)

// A Server serves one source to anybody who connects: a small server for testing pulls and viewers, not a fast one.
// Each viewer has a goroutine and a bounded queue; a viewer that is too slow misses packets up to the next key frame.
type Server struct {
	head *asf.Header // as published
	ln   net.Listener
	wait sync.WaitGroup

	mu      sync.Mutex
	gop     []item // since the newest key frame, for those who join
	next    uint64
	viewers map[*viewer]struct{}
	conns   map[net.Conn]struct{}
	ended   bool
}

// An item is one packet on its way to the viewers. It never changes.
type item struct {
	number uint64
	join   bool
	packet []byte
}

// A viewer is a connection with a stream. queue is closed at the end of the stream.
type viewer struct {
	queue chan item
	lost  bool // it was full: nothing until the next key frame
}

const (
	maxQueue = 512              // packets
	maxGOP   = 4096             // packets
	timeout  = 20 * time.Second // for a request, and for each write
)

// Listen takes a port for a stream with this header, which viewers get as encoders publish it. Run must follow.
func Listen(addr string, head *asf.Header) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Server{head: head.Published(), ln: ln, viewers: map[*viewer]struct{}{}, conns: map[net.Conn]struct{}{}}, nil
}

// Addr is host:port.
func (u *Server) Addr() string { return u.ln.Addr().String() }

// Run serves until the source is over, limit has passed or ctx is done; viewers then see the end of the stream.
func (u *Server) Run(ctx context.Context, src source.Source, limit time.Duration) error {
	u.wait.Go(u.accept)
	err := source.Pace(ctx, src, u, limit)
	u.ln.Close()
	u.expire(time.Now().Add(2 * time.Second))
	u.wait.Wait()
	return err
}

func (u *Server) accept() {
	for {
		conn, err := u.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, or the peer has gone already
			continue
		}
		u.wait.Go(func() { u.serve(conn) })
	}
}

// serve answers one request. Every answer ends with the connection.
func (u *Server) serve(conn net.Conn) {
	defer conn.Close()
	u.track(conn, true)
	defer u.track(conn, false)
	conn.SetDeadline(time.Now().Add(timeout))
	if r, err := readRequest(conn); err == nil {
		conn.SetReadDeadline(time.Time{})
		u.answer(conn, r)
	}
}

func (u *Server) track(conn net.Conn, here bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if here {
		u.conns[conn] = struct{}{}
	} else {
		delete(u.conns, conn)
	}
}

// expire gives all connections until at.
func (u *Server) expire(at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		conn.SetDeadline(at)
	}
}

// join adds a viewer; its queue starts with the packets since the newest key frame.
func (u *Server) join() *viewer {
	u.mu.Lock()
	defer u.mu.Unlock()
	v := &viewer{queue: make(chan item, maxQueue+len(u.gop)), lost: len(u.gop) == 0}
	for _, it := range u.gop {
		v.queue <- it
	}
	if u.ended {
		close(v.queue)
		return v
	}
	u.viewers[v] = struct{}{}
	return v
}

func (u *Server) leave(v *viewer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.viewers, v)
}

// Send is for source.Pace: one packet to every viewer.
func (u *Server) Send(packet []byte) error {
	it := item{packet: append([]byte(nil), packet...), join: joinTest(u.head, packet)}
	u.mu.Lock()
	defer u.mu.Unlock()
	it.number = u.next
	u.next++
	if it.join {
		u.gop = nil
	}
	if (it.join || len(u.gop) > 0) && len(u.gop) < maxGOP {
		u.gop = append(u.gop, it)
	}
	for v := range u.viewers {
		v.offer(it)
	}
	return nil
}

// offer queues a packet, or loses it and the ones behind it up to the next key frame.
func (v *viewer) offer(it item) {
	if v.lost && !it.join {
		return
	}
	select {
	case v.queue <- it:
		v.lost = false
	default:
		v.lost = true
	}
}

// End is for source.Pace: viewers get what is queued and then the end of the stream.
func (u *Server) End() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	for v := range u.viewers {
		close(v.queue)
	}
	clear(u.viewers)
	return nil
}

// joinTest says whether a viewer may start at a packet; packets that do not parse are none.
func joinTest(head *asf.Header, packet []byte) bool {
	p, err := head.ParsePacket(packet)
	return err == nil && p.Join
}
