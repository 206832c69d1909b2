package server

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// uring is the engine of one system call per batch of viewers. The kernel reads what is sent after send has returned,
// when the caller's bytes are another viewer's already; so each send is staged, with a copy of its bytes in the arena:
//
//	arena  | viewer 0's segment | viewer 1's segment | … |        |
//	                                                    ^ used
//
// A batch goes to the kernel when either the ring or the arena is full, and in flush. What the arena has no room for, and
// what a turn sends, goes the way of sendto.
type uring struct {
	sendto
	ring  *ring
	arena []byte // mapped: the kernel reads it by address
	used  int
	batch []staged
}

// A staged send waits for its batch; it is sends[i] with i as its completion's name.
type staged struct {
	v    *viewer
	b    []byte // in the arena
	done sent
}

const (
	batchSends = 256
	arenaBytes = 1 << 20
	arenaAlign = 64 // a cache line
)

func newURing() (*uring, error) {
	r, err := newRing(batchSends)
	if err != nil {
		return nil, err
	}
	arena, err := unix.Mmap(-1, 0, arenaBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		r.close()
		return nil, os.NewSyscallError("mmap", err)
	}
	return &uring{ring: r, arena: arena, batch: make([]staged, 0, batchSends)}, nil
}

func (u *uring) send(v *viewer, b []byte, done sent) {
	if len(b) > len(u.arena) {
		u.sendto.send(v, b, done)
		return
	}
	if len(u.batch) == cap(u.batch) || len(b) > len(u.arena)-u.used {
		u.flush()
	}
	own := u.arena[u.used:][:copy(u.arena[u.used:], b)]
	u.used = min(len(u.arena), (u.used+len(b)+arenaAlign-1)&^(arenaAlign-1))
	u.ring.add(v.conn.fd, own, uint64(len(u.batch)))
	u.batch = append(u.batch, staged{v, own, done})
}

// flush gives the batch to the kernel and reports what became of it. All sends are over when it returns: descriptors may
// be closed and the arena used again.
func (u *uring) flush() {
	n := len(u.batch)
	if n == 0 {
		return
	}
	forgotten, _ := u.ring.submit()
	taken := n - int(forgotten)
	for range taken {
		c, ok := u.ring.next()
		for !ok {
			u.ring.wait()
			c, ok = u.ring.next()
		}
		u.report(c)
	}
	for _, s := range u.batch[taken:] {
		u.sendto.send(s.v, s.b, s.done)
	}
	clear(u.batch) // it must not hold viewers
	u.batch, u.used = u.batch[:0], 0
}

func (u *uring) report(c completion) {
	s := &u.batch[c.user]
	if c.res < 0 {
		s.done.sent(s.v, 0, syscall.Errno(-c.res))
		return
	}
	s.done.sent(s.v, int(c.res), 0)
}

func (u *uring) close() {
	u.ring.close()
	unix.Munmap(u.arena)
}
