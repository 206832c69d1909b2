package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// receive is recv(2) that never blocks. 0 bytes without an error: the peer has closed.
func receive(fd int, b []byte) (int, error) { return rawReceive(fd, b, unix.MSG_DONTWAIT) }

// discard drops up to len(b) bytes inside the kernel; b is not written to.
func discard(fd int, b []byte) (int, error) {
	return rawReceive(fd, b, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// rawReceive skips the scheduler's bookkeeping: the call never blocks, and there are tens of thousands a second.
func rawReceive(fd int, b []byte, flags int) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(flags), 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// transmit is send(2) that never blocks and raises no signal.
func transmit(fd int, b []byte) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// hangUp closes without leaving the port in TIME_WAIT, which matters when thousands go at once.
func hangUp(fd int) {
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// peerClosed says whether the other side has closed or reset a connection that nobody reads.
func peerClosed(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	const established = 1
	return err != nil || info.State != established
}
