package upstream

import (
	"net"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A wire is a connection below TLS, which counts the bytes that are written.
type wire struct {
	net.Conn
	written atomic.Int64
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.written.Add(int64(n))
	return n, err
}

// unsentLimit is how much of a push may wait in the socket beside what is on its way. What waits here cannot be skipped
// when the line is too thin for it.
const unsentLimit = 16 << 10 // bytes

// limitUnsent makes writes wait for the line and not for the socket's memory. Where that is not possible more is kept.
func limitUnsent(c net.Conn) {
	onSocket(c, func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit) })
}

// unacknowledged is how much of what was written the other end's TCP has not said that it has; 0 where it is no socket.
// It is still known when the connection has broken.
func unacknowledged(c net.Conn) (n int) {
	onSocket(c, func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ) })
	return n
}

// onSocket calls do with the descriptor, if there is one.
func onSocket(c net.Conn, do func(fd int)) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { do(int(fd)) }) // a closed one has nothing to tell
}
