package server

import (
	"syscall"

	"golang.org/x/sys/unix"

	"pumpd/server/fanout"
)

// turnAway answers a connection for which there is no place, before it is closed. Its socket is new and takes the few
// bytes at once or not at all.
func turnAway(fd int) {
	_, _ = fanout.SendNow(fd, fullReply)
	discardInput(fd)
}

// discardInput throws away what has come to a socket. One that is closed with something unread sends a reset, which
// makes some clients forget the answer.
func discardInput(fd int) {
	const most = 1 << 20 // bytes; MSG_TRUNC copies none of them
	_, _, _ = syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, most, unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
}

var fullReply = []byte("HTTP/1.0 503 Service Unavailable\r\nServer: " + viewerServer +
	"\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
