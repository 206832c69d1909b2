package server

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A handshake is one that is going on. It belongs to a goroutine of its own, which blocks.
type handshake struct {
	net.Conn
	all   *handshakes
	guest guest // in greeting, then in answering
}

var (
	errPeerGone = errors.New("the peer is gone")
	errMadeRoom = errors.New("it made room for another")
)

func newHandshake(c net.Conn, all *handshakes) *handshake {
	var from netip.Addr
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		from = originOf(a.AddrPort().Addr())
	}
	return &handshake{Conn: c, all: all, guest: guest{from: from, goes: func() { c.Close() }}}
}

// hello reads the peer's ClientHello, see readHello.
func (h *handshake) hello() ([]byte, error) {
	if err := h.SetDeadline(time.Now().Add(h.all.timeout)); err != nil {
		return nil, err
	}
	h.enter(&h.all.greeting)
	b, err := readHello(h.Conn)
	if !h.guest.crowd.leave(&h.guest) {
		err = errMadeRoom // it must not go on and take the place of one that is there
	}
	return b, err
}

func (h *handshake) enter(w *crowd) {
	h.guest.crowd = w
	w.enter(&h.guest, nil)
}

// compute waits for a CPU, rest gives it back.
func (h *handshake) compute() {
	h.all.line <- struct{}{}
	h.all.cpus <- struct{}{}
}

func (h *handshake) rest() {
	<-h.all.cpus
	<-h.all.line
}

// wait lets others compute while this one waits for its peer.
func (h *handshake) wait(do func([]byte) (int, error), b []byte) (int, error) {
	h.rest()
	h.enter(&h.all.answering)
	n, err := do(b)
	if !h.guest.crowd.leave(&h.guest) {
		err = errMadeRoom
	}
	h.compute()
	return n, err
}

// gone says whether the peer has hung up: whoever only wants us to compute does not stay for the result.
func (h *handshake) gone() bool {
	c, ok := h.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	p := []unix.PollFd{{Events: unix.POLLRDHUP}}
	err = raw.Control(func(fd uintptr) {
		p[0].Fd = int32(fd)
		_, _ = unix.Poll(p, 0) // fails only for memory that is not ours
	})
	return err != nil || p[0].Revents != 0
}
