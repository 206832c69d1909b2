package fanout

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendto is the engine of one system call per viewer and round. Its sockets never block, so it uses raw system calls:
// telling Go's scheduler about each costs 4 to 10 % of a send.
type sendto struct {
	iov []unix.Iovec
}

func (s *sendto) Send(v *Viewer, b []byte, done Reporter) {
	n, errno := SendNow(int(v.fd), b)
	done.Sent(v, n, errno)
}

// SendNow offers b to a socket, which takes the first n bytes of it; EAGAIN: it is full.
func SendNow(fd int, b []byte) (n int, errno syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// SendBoth is SendNow for two pieces.
func SendBoth(fd int, a, b []byte) (n int, errno syscall.Errno) {
	iov := [2]unix.Iovec{{Base: unsafe.SliceData(a), Len: uint64(len(a))}, {Base: unsafe.SliceData(b),
		Len: uint64(len(b))}}
	return sendVector(fd, iov[:])
}

func sendVector(fd int, iov []unix.Iovec) (n int, errno syscall.Errno) {
	m := unix.Msghdr{Iov: unsafe.SliceData(iov), Iovlen: uint64(len(iov))}
	r, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

func (*sendto) Flush() {}
func (*sendto) Close() {}

func (s *sendto) Writev(v *Viewer, bs [][]byte) (int, syscall.Errno) {
	s.iov = s.iov[:0]
	for _, b := range bs {
		if len(b) == 0 {
			continue
		}
		s.iov = append(s.iov, unix.Iovec{Base: unsafe.SliceData(b), Len: uint64(len(b))})
	}
	if len(s.iov) == 0 {
		return 0, 0
	}
	n, errno := sendVector(int(v.fd), s.iov)
	clear(s.iov) // it must not hold the chain
	return n, errno
}
