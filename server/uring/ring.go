// Package uring is the part of io_uring(7) that sends need. A Ring belongs to one goroutine.
package uring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Ring is the part of io_uring(7) that we use: two queues in memory that is shared with the kernel.
//
//	sqes  |   | 3 | 4 |   |    we fill at tail, the kernel takes from head when it is told to
//	cqes  | 0 | 2 | 1 |   |    the kernel fills at tail, we take from head
//
// It belongs to one goroutine, which may change threads. That rules out IORING_SETUP_SINGLE_ISSUER, and DEFER_TASKRUN
// with it, which gains nothing here anyway: a send that may not wait is complete when the kernel has taken it.
type Ring struct {
	fd      int
	queues  []byte // the mapping of heads, tails and cqes
	entries []byte // the mapping of sqes

	sqHead, sqTail *uint32
	cqHead, cqTail *uint32
	sqes           []Submission // a power of two, as cqes
	cqes           []Completion
}

// A Submission is struct io_uring_sqe as sends use it: see Send and SendMsg.
type Submission struct {
	op       uint8
	_        [3]uint8
	fd       int32
	_        uint64
	addr     uint64
	length   uint32
	msgFlags uint32
	user     uint64 // comes back in the completion
	_        [3]uint64
}

// A Completion is struct io_uring_cqe.
type Completion struct {
	User   uint64
	Result int32 // what the system call would return: bytes, or a negative errno
	_      uint32
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags, _, _, features uint32
	_                                           [4]uint32
	sq                                          struct {
		head, tail, _, _, _, _, array, _ uint32
		_                                uint64
	}
	cq struct {
		head, tail, _, _, _, cqes, _, _ uint32
		_                               uint64
	}
}

// From linux/io_uring.h; x/sys has only the numbers of the calls.
const (
	submitAll     = 1 << 7 // IORING_SETUP_SUBMIT_ALL: a bad submission does not hold up those behind it. Linux 5.18
	coopTaskRun   = 1 << 8 // IORING_SETUP_COOP_TASKRUN: completions do not interrupt us. Linux 5.19
	singleMap     = 1 << 0 // IORING_FEAT_SINGLE_MMAP
	getEvents     = 1 << 0 // IORING_ENTER_GETEVENTS
	queuesOffset  = 0      // IORING_OFF_SQ_RING
	entriesOffset = 0x10000000
	opSendMsg     = 9  // IORING_OP_SENDMSG
	opSend        = 26 // IORING_OP_SEND
)

// New makes a ring that holds n submissions, a power of two, and twice as many completions. It has shown that it
// works: kernels before 5.19 lack what we need of it, and containers often forbid it.
func New(n uint32) (*Ring, error) {
	r, err := setUp(n)
	if err != nil {
		return nil, err
	}
	if err := r.try(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func setUp(n uint32) (*Ring, error) {
	p := params{flags: submitAll | coopTaskRun}
	fd, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP, uintptr(n), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, os.NewSyscallError("io_uring_setup", errno)
	}
	r := &Ring{fd: int(fd)}
	if err := r.share(&p); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// share maps what the kernel shares and finds its parts.
func (r *Ring) share(p *params) (err error) {
	if p.features&singleMap == 0 {
		return fmt.Errorf("io_uring_setup: features %#x, want %#x", p.features, singleMap)
	}
	size := max(p.sq.array+p.sqEntries*4, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(Completion{})))
	if r.queues, err = r.mapped(queuesOffset, size); err != nil {
		return err
	}
	if r.entries, err = r.mapped(entriesOffset, p.sqEntries*uint32(unsafe.Sizeof(Submission{}))); err != nil {
		return err
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.queues[offset])) }
	r.sqHead, r.sqTail = word(p.sq.head), word(p.sq.tail)
	r.cqHead, r.cqTail = word(p.cq.head), word(p.cq.tail)
	r.sqes = unsafe.Slice((*Submission)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*Completion)(unsafe.Pointer(&r.queues[p.cq.cqes])), p.cqEntries)
	order := unsafe.Slice(word(p.sq.array), p.sqEntries)
	for i := range order {
		order[i] = uint32(i) // sqes are taken in the order in which they lie
	}
	return nil
}

func (r *Ring) mapped(offset int64, size uint32) ([]byte, error) {
	m, err := unix.Mmap(r.fd, offset, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("io_uring: mmap of %d bytes at %#x: %w", size, offset, err)
	}
	return m, nil
}

// Send is a send of n bytes at addr. Without MSG_DONTWAIT the kernel would wait for room in a full socket, and
// complete the send when it likes.
func Send(fd int, addr uintptr, n, user int) Submission {
	return Submission{op: opSend, fd: int32(fd), addr: uint64(addr), length: uint32(n), user: uint64(user),
		msgFlags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL}
}

// SendMsg is a send of the struct msghdr at addr.
func SendMsg(fd int, addr uintptr, user int) Submission {
	s := Send(fd, addr, 1, user)
	s.op = opSendMsg
	return s
}

// FD is the ring's descriptor, good until Close.
func (r *Ring) FD() int { return r.fd }

// Add queues a submission; there must be room. What it points to must stay as it is until its completion has come.
func (r *Ring) Add(s Submission) {
	tail := *r.sqTail // nobody else writes it
	r.sqes[tail&uint32(len(r.sqes)-1)] = s
	atomic.StoreUint32(r.sqTail, tail+1)
}

// queued is how many submissions the kernel has not taken.
func (r *Ring) queued() uint32 { return *r.sqTail - atomic.LoadUint32(r.sqHead) }

// Submit gives the kernel all that is queued. After an error the last refused ones are queued no more and will have no
// completions.
func (r *Ring) Submit() (refused int, errno syscall.Errno) {
	for n := r.queued(); n > 0; n = r.queued() {
		errno := r.enter(n, 0, 0)
		if errno == 0 || errno == syscall.EINTR {
			continue
		}
		n = r.queued()
		atomic.StoreUint32(r.sqTail, *r.sqTail-n)
		return int(n), errno
	}
	return 0, 0
}

// poll takes a completion if one has come.
func (r *Ring) poll() (c Completion, ok bool) {
	head := *r.cqHead // nobody else writes it
	if head == atomic.LoadUint32(r.cqTail) {
		return c, false
	}
	c = r.cqes[head&uint32(len(r.cqes)-1)]
	atomic.StoreUint32(r.cqHead, head+1)
	return c, true
}

// Next takes a completion, and waits for it if it has not come. One must be due.
func (r *Ring) Next() Completion {
	for {
		if c, ok := r.poll(); ok {
			return c
		}
		if errno := r.enter(0, 1, getEvents); errno != 0 && errno != syscall.EINTR {
			// The kernel may still read our memory, and nobody can tell us when it has ended.
			panic(fmt.Sprintf("io_uring_enter: %v while a completion was due", errno))
		}
	}
}

// enter tells Go's scheduler, as sendto does not: a batch takes a millisecond or more.
func (r *Ring) enter(submit, complete, flags uint32) syscall.Errno {
	_, _, errno := syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(submit), uintptr(complete),
		uintptr(flags), 0, 0)
	return errno
}

// Close ends what is not complete.
func (r *Ring) Close() {
	for _, m := range [][]byte{r.queues, r.entries} {
		if m != nil {
			unix.Munmap(m)
		}
	}
	unix.Close(r.fd)
}

// trial is what try sends. It is no variable of try's because the ring has its address only, and stacks move.
var trial = []byte("trial")

// try sends to a socket with room, to a full one and to one without a peer, and wants each send to be complete at once,
// as with sendto. Something that calls itself io_uring and waits would stop a loop for one viewer.
func (r *Ring) try() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	near, far := pair[0], pair[1]
	defer unix.Close(near)
	err = r.tryPeer(near, far)
	unix.Close(far)
	if err != nil {
		return err
	}
	return r.trySend(near, -int(syscall.EPIPE))
}

func (r *Ring) tryPeer(near, far int) error {
	if err := r.trySend(near, len(trial)); err != nil {
		return err
	}
	got := make([]byte, 2*len(trial))
	n, err := unix.Read(far, got)
	if err != nil {
		return fmt.Errorf("io_uring: nothing arrived: %w", err)
	}
	if !bytes.Equal(got[:n], trial) {
		return fmt.Errorf("io_uring: %q arrived, want %q", got[:n], trial)
	}
	for err := error(nil); err == nil; { // until it is full
		_, err = unix.Write(near, got)
	}
	return r.trySend(near, -int(syscall.EAGAIN))
}

// trySend sends trial and wants the result that a system call would have.
func (r *Ring) trySend(fd, want int) error {
	r.Add(Send(fd, Address(&trial[0]), len(trial), 0))
	if _, errno := r.Submit(); errno != 0 {
		return os.NewSyscallError("io_uring_enter", errno)
	}
	c, ok := r.poll()
	if !ok {
		return errors.New("io_uring: a send was not complete when the kernel had taken it")
	}
	if int(c.Result) != want {
		return fmt.Errorf("io_uring: a send returned %d, want %d", c.Result, want)
	}
	return nil
}

// Address is what the kernel knows of p. It keeps nothing alive, and p must not be on a stack, which moves.
func Address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
