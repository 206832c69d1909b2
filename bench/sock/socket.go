// Package sock has what tens of thousands of sockets need and net does not give: calls below Go's poller.
package sock

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Receive is recv(2) that never blocks: EAGAIN instead. 0 bytes without an error: the peer has closed. b must not be
// empty, here and below.
func Receive(fd int, b []byte) (int, error) { return rawReceive(fd, b, unix.MSG_DONTWAIT) }

// Discard drops up to len(b) bytes inside the kernel; b is not written to.
func Discard(fd int, b []byte) (int, error) {
	return rawReceive(fd, b, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// rawReceive skips the scheduler's bookkeeping: the call never blocks, and there are tens of thousands a second.
func rawReceive(fd int, b []byte, flags int) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			uintptr(flags), 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// Transmit is send(2) that never blocks and raises no signal.
func Transmit(fd int, b []byte) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// HangUp closes without leaving the port in TIME_WAIT, which matters when thousands go at once.
func HangUp(fd int) {
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// PeerClosed says whether the other side has closed or reset a connection that nobody reads.
func PeerClosed(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	const established = 1
	return err != nil || info.State != established
}
