package server

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A bareWire is the wire of a viewer without TLS: the socket and nothing else. gnet has answered the request; now it
// would hold 500 bytes for each viewer to tell us that it hung up, which the watcher does as well.
//
//	            request, reply          stream, end
//	client ───▶ gnetWire ────────free──▶ bareWire
//
// It is the conn itself, seen as a wire.
type bareWire conn

// bare gives a conn that becomes a viewer a wire of this kind, if it can have one.
func (l *loop) bare(c *conn) {
	fd, ok := c.wire.free()
	if !ok {
		return
	}
	l.conns.remove(c)
	c.fd, c.wire = int32(fd), (*bareWire)(c)
	l.conns.put(c)
	l.expect(c, unix.EPOLLIN)
}

// heard is called when something has come, be it the end. Viewers have nothing to say.
func (w *bareWire) heard() {
	const (
		atOnce = 1 << 20 // bytes; MSG_TRUNC copies none of them
		calls  = 4       // a flood must not keep the others waiting
	)
	for range calls {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(w.fd), 0, atOnce, unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0,
			0)
		switch {
		case errno == syscall.EAGAIN:
			return
		case errno != 0 && errno != syscall.EINTR, errno == 0 && n == 0:
			w.close(false)
			return
		}
	}
	if err := w.loop.watcher.arm(w.fd, unix.EPOLLIN|unix.EPOLLOUT); err != nil { // it tells again what is still there
		w.close(true)
	}
}

func (w *bareWire) peek() []byte { return nil }
func (w *bareWire) discard(int)  {}

// write is for replies, which viewers are not sent any more.
func (w *bareWire) write([]byte)            {}
func (w *bareWire) try(_, _ []byte) (n int) { return 0 }
func (w *bareWire) unsent() int             { return 0 }

func (w *bareWire) shut() { _ = unix.Shutdown(int(w.fd), unix.SHUT_WR) }

func (w *bareWire) close(abort bool) {
	c := (*conn)(w)
	if c.phase == closed {
		return
	}
	if abort {
		_ = unix.SetsockoptLinger(int(w.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	c.loop.closed(c)
	_ = unix.Close(int(w.fd))
	c.loop.left(c)
}

func (w *bareWire) free() (fd int, ok bool) { return 0, false }
