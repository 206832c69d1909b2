package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"pumpd/codec"
	"pumpd/server/proxied"
)

// A handshake is one that is going on. It belongs to a goroutine of its own, which blocks.
type handshake struct {
	*newcomer
	all   *handshakes
	guest guest // in greeting, then in answering
}

var (
	errPeerGone = errors.New("the peer is gone")
	errMadeRoom = errors.New("it made room for another")
)

func newHandshake(c *newcomer, all *handshakes) *handshake {
	return &handshake{newcomer: c, all: all, guest: guest{goes: func() { c.Close() }}}
}

// hello reads the peer's ClientHello, see readHello, and before it what a proxy has to say.
func (h *handshake) hello() ([]byte, error) {
	if err := h.SetDeadline(h.all.deadline()); err != nil {
		return nil, err
	}
	h.enter(&h.all.greeting)
	b, err := h.introduce()
	if err == nil {
		b, err = readHello(h.Conn, b)
	}
	if !h.guest.crowd.leave(&h.guest) {
		err = errMadeRoom // it must not go on and take the place of one that is there
	}
	return b, err
}

func (h *handshake) enter(w *crowd) {
	h.guest.crowd, h.guest.from = w, originOf(h.remote.Addr())
	w.enter(&h.guest, nil)
}

// introduce reads the PROXY header where there may be one, and returns what has come behind it, or in its place.
func (h *handshake) introduce() (rest []byte, err error) {
	if h.front == nil {
		return nil, nil
	}
	b := make([]byte, 0, 512)
	for {
		client, n, wrong := proxied.ParseHeader(b)
		switch {
		case wrong == nil:
			return b[n:], h.introduced(client)
		case errors.Is(wrong, proxied.ErrNone):
			h.all.mu.Lock()
			h.front.awaited = false
			h.all.mu.Unlock()
			return b, nil
		case !errors.Is(wrong, codec.ErrShort):
			return nil, wrong
		case err != nil:
			return nil, fmt.Errorf("PROXY header: %w", err)
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, cap(b))
		}
		n, err = h.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
	}
}

// introduced has the peer count as the client whom a proxy speaks for.
func (h *handshake) introduced(client netip.AddrPort) error {
	if !h.guest.crowd.leave(&h.guest) {
		return errMadeRoom
	}
	p := h.front.base.Introduced(client)
	h.all.mu.Lock()
	h.remote, h.front = p.At, frontOf(h.all.trusted(), p, false)
	h.all.mu.Unlock()
	h.all.named(h.newcomer)
	h.enter(&h.all.greeting)
	return nil
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
