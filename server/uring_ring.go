package server

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring is an io_uring that only sends: two queues in memory shared with the kernel, see io_uring(7).
//
//	ours to fill     sqes | 0 | 1 | 2 | …    tail is ours, head the kernel's
//	ours to empty    cqes | 2 | 0 | 1 | …    tail is the kernel's, head ours
//
// A ring belongs to one goroutine, which may change threads: that rules out IORING_SETUP_SINGLE_ISSUER and what needs it.
type ring struct {
	fd      int
	queues  []byte // the mapping of both queues' heads and tails, and of the completions
	entries []byte // the mapping of sqes

	sqHead, sqTail *uint32
	cqHead, cqTail *uint32
	sqMask, cqMask uint32
	sqes           []submission
	cqes           []completion
}

// A submission is struct io_uring_sqe, as IORING_OP_SEND reads it.
type submission struct {
	opcode   uint8
	_        uint8
	_        uint16
	fd       int32
	_        uint64
	addr     uint64
	length   uint32
	msgFlags uint32
	user     uint64
	_        [3]uint64
}

// A completion is struct io_uring_cqe.
type completion struct {
	user  uint64
	res   int32 // bytes, or a negative errno
	flags uint32
}

// ringParams is struct io_uring_params.
type ringParams struct {
	sqEntries, cqEntries, flags, _, _, features, _ uint32
	_                                              [3]uint32
	sq                                             struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

// From linux/io_uring.h; x/sys has only the numbers of the calls.
const (
	ringSubmitAll   = 1 << 7 // IORING_SETUP_SUBMIT_ALL: one bad submission does not hold up those behind it. Linux 5.18
	ringCoopTaskRun = 1 << 8 // IORING_SETUP_COOP_TASKRUN: completions do not interrupt us. Linux 5.19
	ringSingleMap   = 1 << 0 // IORING_FEAT_SINGLE_MMAP
	ringOpSend      = 26     // IORING_OP_SEND
	ringWait        = 1 << 0 // IORING_ENTER_GETEVENTS
	ringQueuesAt    = 0
	ringEntriesAt   = 0x10000000 // IORING_OFF_SQES
)

// newRing makes a ring for n submissions at a time, a power of two.
func newRing(n uint32) (*ring, error) {
	p := ringParams{flags: ringSubmitAll | ringCoopTaskRun}
	fd, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP, uintptr(n), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, os.NewSyscallError("io_uring_setup", errno)
	}
	r := &ring{fd: int(fd)}
	if p.features&ringSingleMap == 0 {
		r.close()
		return nil, fmt.Errorf("io_uring_setup: features %#x, want %#x among them", p.features, ringSingleMap)
	}
	if err := r.mapQueues(&p); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// mapQueues maps what the kernel shares and finds the parts that we use.
func (r *ring) mapQueues(p *ringParams) (err error) {
	const access, shared = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	size := max(int(p.sq.array+p.sqEntries*4), int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(completion{})))
	if r.queues, err = unix.Mmap(r.fd, ringQueuesAt, size, access, shared); err != nil {
		return os.NewSyscallError("mmap of io_uring's queues", err)
	}
	size = int(p.sqEntries) * int(unsafe.Sizeof(submission{}))
	if r.entries, err = unix.Mmap(r.fd, ringEntriesAt, size, access, shared); err != nil {
		return os.NewSyscallError("mmap of io_uring's submissions", err)
	}
	at := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.queues[offset])) }
	r.sqHead, r.sqTail, r.sqMask = at(p.sq.head), at(p.sq.tail), *at(p.sq.mask)
	r.cqHead, r.cqTail, r.cqMask = at(p.cq.head), at(p.cq.tail), *at(p.cq.mask)
	r.sqes = unsafe.Slice((*submission)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*completion)(unsafe.Pointer(&r.queues[p.cq.cqes])), p.cqEntries)
	for i, slot := range unsafe.Slice(at(p.sq.array), p.sqEntries) {
		_ = slot
		*at(p.sq.array + uint32(i)*4) = uint32(i) // the order of submissions is always that of sqes
	}
	return nil
}

// add queues a send of b, which must stay where it is and as it is until its completion with user has come. The queue
// must have room.
func (r *ring) add(fd int, b []byte, user uint64) {
	tail := *r.sqTail // nobody else writes it
	r.sqes[tail&r.sqMask] = submission{
		opcode: ringOpSend,
		fd:     int32(fd),
		addr:   uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))),
		length: uint32(len(b)),
		// The kernel would otherwise wait for a full socket and send the rest behind our back.
		msgFlags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL,
		user:     user,
	}
	atomic.StoreUint32(r.sqTail, tail+1)
}

// waiting is how many submissions the kernel has not taken yet.
func (r *ring) waiting() uint32 { return *r.sqTail - atomic.LoadUint32(r.sqHead) }

// submit gives the kernel all that is queued. After an error it has taken only a part, and the rest is forgotten.
func (r *ring) submit() (forgotten uint32, errno syscall.Errno) {
	for n := r.waiting(); n > 0; n = r.waiting() {
		if errno := r.enter(n, 0, 0); errno != 0 && errno != syscall.EINTR {
			n = r.waiting()
			atomic.StoreUint32(r.sqTail, *r.sqTail-n)
			return n, errno
		}
	}
	return 0, 0
}

// next takes a completion that has come.
func (r *ring) next() (c completion, ok bool) {
	head := *r.cqHead // nobody else writes it
	if head == atomic.LoadUint32(r.cqTail) {
		return c, false
	}
	c = r.cqes[head&r.cqMask]
	atomic.StoreUint32(r.cqHead, head+1)
	return c, true
}

// wait returns when a completion has come.
func (r *ring) wait() {
	for {
		errno := r.enter(0, 1, ringWait)
		if errno == 0 {
			return
		}
		if errno != syscall.EINTR { // the kernel holds our memory and does not say what became of it
			panic(fmt.Sprintf("io_uring_enter: waiting: %v", errno))
		}
	}
}

func (r *ring) enter(submit, complete, flags uint32) syscall.Errno {
	_, _, errno := syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(submit), uintptr(complete), uintptr(flags), 0, 0)
	return errno
}

func (r *ring) close() {
	for _, m := range [][]byte{r.queues, r.entries} {
		if m != nil {
			unix.Munmap(m)
		}
	}
	unix.Close(r.fd)
}
