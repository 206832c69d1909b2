package sock

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// dialed is a connection of ours to a listener on loopback and the listener's end of it.
func dialed(t *testing.T) (fd int, far *net.TCPConn) {
	t.Helper()
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	target, err := NewTarget(ln.Addr().String(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if fd, err = target.Clone().Dial(4, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if far, err = ln.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	await(t, fd, unix.POLLOUT)
	if err := Connected(fd); err != nil {
		t.Fatal(err)
	}
	return fd, far
}

func await(t *testing.T, fd int, events int16) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, 30_000)
		if err == unix.EINTR { // by a signal of Go's
			continue
		}
		if n != 1 || err != nil {
			t.Fatalf("poll: %d, %v", n, err)
		}
		return
	}
}

func TestSocket(t *testing.T) {
	fd, far := dialed(t)
	if from := far.RemoteAddr().(*net.TCPAddr).IP.String(); from != "127.0.0.3" { // turn 4 of 127.0.0.2, .3, .4
		t.Errorf("comes from %s", from)
	}
	b := make([]byte, 100)
	if n, err := Receive(fd, b); n != 0 || err != unix.EAGAIN {
		t.Errorf("nothing there: %d, %v", n, err)
	}
	if n, err := Transmit(fd, []byte("asked")); n != 5 || err != nil {
		t.Fatalf("transmit: %d, %v", n, err)
	}
	if _, err := io.ReadFull(far, b[:5]); err != nil || string(b[:5]) != "asked" {
		t.Errorf("got %q, %v", b[:5], err)
	}
	far.Write([]byte("dropped"))
	await(t, fd, unix.POLLIN)
	if n, err := Discard(fd, b); n != 7 || err != nil || string(b[:5]) != "asked" {
		t.Errorf("discard: %d, %v, %q", n, err, b[:5])
	}
	far.Write([]byte("read"))
	await(t, fd, unix.POLLIN)
	if n, err := Receive(fd, b); n != 4 || err != nil || string(b[:4]) != "read" {
		t.Errorf("receive: %d, %v, %q", n, err, b[:4])
	}
	if PeerClosed(fd) {
		t.Error("closed already")
	}
	far.Close()
	await(t, fd, unix.POLLIN)
	if n, err := Receive(fd, b); n != 0 || err != nil || !PeerClosed(fd) {
		t.Errorf("end: %d, %v", n, err)
	}
}

func TestConnectedRefused(t *testing.T) {
	target, err := NewTarget("127.0.0.1:1", 1)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := target.Dial(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	await(t, fd, unix.POLLOUT)
	if err := Connected(fd); err != unix.ECONNREFUSED {
		t.Errorf("got %v", err)
	}
}

func TestTargetRefuses(t *testing.T) {
	for _, sources := range []int{0, 251} {
		if _, err := NewTarget("127.0.0.1:1", sources); err == nil {
			t.Errorf("%d sources: accepted", sources)
		}
	}
	if _, err := NewTarget("nowhere", 1); err == nil {
		t.Error("no port: accepted")
	}
}
