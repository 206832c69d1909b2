package server

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A send that waits, which none of the engine's does, is not complete when the kernel has taken it. next waits for it.
func TestNextWaitsForACompletion(t *testing.T) {
	r := testURing(t).ring
	l := fullLine(t)
	s := sendOf(int(l.v.fd), address(&trial[0]), len(trial), 7)
	s.msgFlags = unix.MSG_NOSIGNAL
	r.add(s)
	if _, errno := r.submit(); errno != 0 {
		t.Fatal(errno)
	}
	if c, ok := r.poll(); ok {
		t.Fatalf("%+v from a full socket, want none yet", c)
	}
	sink := make([]byte, 1<<20)
	if _, err := unix.Read(l.far, sink); err != nil {
		t.Fatal(err)
	}
	if c := r.next(); c.user != 7 || int(c.res) != len(trial) {
		t.Errorf("%+v, want user 7 and %d bytes", c, len(trial))
	}
}

// The queues are used round and round.
func TestRingGoesRound(t *testing.T) {
	const size = 8
	r, err := newRing(size)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer r.close()
	l := unixLine(t, 256<<10)
	user := 0
	for n := range 100 {
		for i := range n%size + 1 {
			r.add(sendOf(int(l.v.fd), address(&trial[0]), len(trial), user+i))
		}
		if refused, errno := r.submit(); refused > 0 || errno != 0 {
			t.Fatalf("%d refused, %v", refused, errno)
		}
		for range n%size + 1 {
			if c := r.next(); int(c.user) != user || int(c.res) != len(trial) {
				t.Fatalf("%+v, want user %d and %d bytes", c, user, len(trial))
			}
			user++
		}
		if c, ok := r.poll(); ok {
			t.Fatalf("%+v, want no more", c)
		}
		l.take(t, (n%size+1)*len(trial))
	}
}

func TestRefusedSubmissionsAreForgotten(t *testing.T) {
	r := testURing(t).ring
	l := unixLine(t, 1<<10)
	fd := r.fd
	r.fd = -1
	for range 3 {
		r.add(sendOf(int(l.v.fd), address(&trial[0]), len(trial), 0))
	}
	refused, errno := r.submit()
	r.fd = fd
	if refused != 3 || errno != syscall.EBADF || r.queued() != 0 {
		t.Fatalf("%d refused, %v, %d still queued; want 3, EBADF, 0", refused, errno, r.queued())
	}
	r.add(sendOf(int(l.v.fd), address(&trial[0]), 1, 9))
	if refused, errno := r.submit(); refused != 0 || errno != 0 {
		t.Fatalf("%d refused, %v", refused, errno)
	}
	if c := r.next(); c.user != 9 || c.res != 1 {
		t.Errorf("%+v, want user 9 and 1 byte", c)
	}
}

func TestTrialFails(t *testing.T) {
	r := testURing(t).ring
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
