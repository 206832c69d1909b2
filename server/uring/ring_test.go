package uring

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// testRing skips where the kernel lets nobody use io_uring.
func testRing(t *testing.T, size uint32) *Ring {
	t.Helper()
	r, err := New(size)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Cleanup(r.Close)
	return r
}

// pair is two sockets that are connected with each other.
func pair(t *testing.T) (near, far int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return fds[0], fds[1]
}

// A send that waits, which none of the engine's does, is not complete when the kernel has taken it. next waits for it.
func TestNextWaitsForACompletion(t *testing.T) {
	r := testRing(t, 8)
	near, far := pair(t)
	for err := error(nil); err == nil; { // until it is full
		_, err = unix.Write(near, make([]byte, 1<<10))
	}
	s := Send(near, Address(&trial[0]), len(trial), 7)
	s.msgFlags = unix.MSG_NOSIGNAL
	r.Add(s)
	if _, errno := r.Submit(); errno != 0 {
		t.Fatal(errno)
	}
	if c, ok := r.poll(); ok {
		t.Fatalf("%+v from a full socket, want none yet", c)
	}
	sink := make([]byte, 1<<20)
	if _, err := unix.Read(far, sink); err != nil {
		t.Fatal(err)
	}
	if c := r.Next(); c.User != 7 || int(c.Result) != len(trial) {
		t.Errorf("%+v, want user 7 and %d bytes", c, len(trial))
	}
}

// The queues are used round and round.
func TestRingGoesRound(t *testing.T) {
	const size = 8
	r := testRing(t, size)
	near, far := pair(t)
	user := 0
	for n := range 100 {
		for i := range n%size + 1 {
			r.Add(Send(near, Address(&trial[0]), len(trial), user+i))
		}
		if refused, errno := r.Submit(); refused > 0 || errno != 0 {
			t.Fatalf("%d refused, %v", refused, errno)
		}
		for range n%size + 1 {
			if c := r.Next(); int(c.User) != user || int(c.Result) != len(trial) {
				t.Fatalf("%+v, want user %d and %d bytes", c, user, len(trial))
			}
			user++
		}
		if c, ok := r.poll(); ok {
			t.Fatalf("%+v, want no more", c)
		}
		if got, err := unix.Read(far, make([]byte, 1<<10)); got != (n%size+1)*len(trial) {
			t.Fatalf("%d bytes arrived, %v, want %d", got, err, (n%size+1)*len(trial))
		}
	}
}

func TestRefusedSubmissionsAreForgotten(t *testing.T) {
	r := testRing(t, 8)
	near, _ := pair(t)
	fd := r.fd
	r.fd = -1
	for range 3 {
		r.Add(Send(near, Address(&trial[0]), len(trial), 0))
	}
	refused, errno := r.Submit()
	r.fd = fd
	if refused != 3 || errno != syscall.EBADF || r.queued() != 0 {
		t.Fatalf("%d refused, %v, %d still queued; want 3, EBADF, 0", refused, errno, r.queued())
	}
	r.Add(Send(near, Address(&trial[0]), 1, 9))
	if refused, errno := r.Submit(); refused != 0 || errno != 0 {
		t.Fatalf("%d refused, %v", refused, errno)
	}
	if c := r.Next(); c.User != 9 || c.Result != 1 {
		t.Errorf("%+v, want user 9 and 1 byte", c)
	}
}

func TestTrialFails(t *testing.T) {
	r := testRing(t, 8)
	fd := r.fd
	r.fd = -1
	err := r.try()
	r.fd = fd
	const want = "io_uring_enter: bad file descriptor"
	if err == nil || err.Error() != want {
		t.Errorf("without a descriptor: %v, want %s", err, want)
	}
	if err := r.try(); err != nil {
		t.Errorf("with it: %v", err)
	}
}
