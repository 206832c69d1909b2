package server

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// testEngine makes a real engine, and skips where the kernel has none such.
func testEngine(t testing.TB, name string) engine {
	e, err := newURing()
	if name == "sendto" {
		return &sendto{}
	}
	if err != nil {
		t.Skipf("SKIPPED: no io_uring here: %v", err)
	}
	t.Cleanup(e.close)
	return e
}

// A pair is two ends of a connection: a viewer's and its player's.
type pair struct {
	v    *viewer
	peer int
}

func tcpPair(t testing.TB) pair {
	ln, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ln)
	if err := unix.Bind(ln, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(ln, 1); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(ln)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(peer, at); err != nil {
		t.Fatal(err)
	}
	fd, _, err := unix.Accept4(ln, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	t.Cleanup(func() { unix.Close(fd); unix.Close(peer) })
	return pair{&viewer{conn: &conn{fd: fd}}, peer}
}

func (p pair) drop(t testing.TB, n int) {
	for n > 0 {
		k, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(p.peer), 0, uintptr(n), unix.MSG_TRUNC, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		n -= int(k)
	}
}

type tally struct {
	bytes int
	fail  int
}

func (c *tally) sent(v *viewer, n int, errno syscall.Errno) {
	c.bytes += n
	if errno != 0 {
		c.fail++
	}
}
