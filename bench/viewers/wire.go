package viewers

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/sock"
)

// A wire is a viewer's socket below crypto/tls. It waits while the handshake is on, on a goroutine of its own;
// afterwards it belongs to the worker and never waits: crypto/tls takes a temporary error for what it is, and reads on
// later.
type wire struct {
	fd   int
	wait context.Context // nil: never wait
}

// errAgain says that there is nothing to read yet.
var errAgain net.Error = again{}

type again struct{}

func (again) Error() string   { return "nothing to read yet" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

func (c *wire) Read(b []byte) (int, error) {
	for {
		n, err := sock.Receive(c.fd, b)
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case !errors.Is(err, unix.EAGAIN):
			return n, err
		case c.wait == nil:
			return 0, errAgain
		}
		if err := c.ready(unix.POLLIN); err != nil {
			return 0, err
		}
	}
}

func (c *wire) Write(b []byte) (total int, err error) {
	for total < len(b) {
		n, err := sock.Transmit(c.fd, b[total:])
		total += n
		switch {
		case err == nil:
		case !errors.Is(err, unix.EAGAIN) || c.wait == nil: // a request fits into an empty socket
			return total, err
		default:
			if err := c.ready(unix.POLLOUT); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// ready waits for the socket.
func (c *wire) ready(events int16) error {
	const look = 50 * time.Millisecond // whether it is still wanted
	for c.wait.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: events}}, int(look/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return errLate
}

func (c *wire) Close() error                     { return nil } // the viewer closes its descriptor
func (c *wire) LocalAddr() net.Addr              { return nil }
func (c *wire) RemoteAddr() net.Addr             { return nil }
func (c *wire) SetDeadline(time.Time) error      { return nil }
func (c *wire) SetReadDeadline(time.Time) error  { return nil }
func (c *wire) SetWriteDeadline(time.Time) error { return nil }

// handshakeSlots bounds how many are on at once: each holds a thread.
var handshakeSlots = make(chan struct{}, 64)

// handshake makes TLS of a connected socket.
func handshake(ctx context.Context, fd int, config *tls.Config) (*tls.Conn, error) {
	select {
	case handshakeSlots <- struct{}{}:
		defer func() { <-handshakeSlots }()
	case <-ctx.Done():
		return nil, errLate
	}
	c := &wire{fd: fd, wait: ctx}
	conn := tls.Client(c, config)
	err := conn.Handshake()
	c.wait = nil
	return conn, err
}

// receive is what the viewer got, decrypted; see receive of sockets.
func (v *viewer) receive(b []byte) (int, error) {
	if v.tls == nil {
		return sock.Receive(v.fd, b)
	}
	n, err := v.tls.Read(b)
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // with and without a word of farewell
		return 0, nil
	case errors.Is(err, errAgain):
		return 0, unix.EAGAIN
	}
	return 0, err
}

// transmit sends a request.
func (v *viewer) transmit(b []byte) (int, error) {
	if v.tls == nil {
		return sock.Transmit(v.fd, b)
	}
	return v.tls.Write(b)
}

// buffers says that TLS may hold bytes that epoll will not tell of. The crowd stops decrypting with the head of the
// answer: what it drops inside the kernel is records.
func (v *viewer) buffers() bool {
	return v.tls != nil && v.fd >= 0 && (v.phase == asking || v.phase == watching && v.role == Sample)
}
