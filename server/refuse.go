package server

import (
	"syscall"

	"golang.org/x/sys/unix"

	"pumpd/server/fanout"
)

// turnAway answers a connection that is not let in, before it is closed. Its socket is new and takes the few bytes at
// once or not at all.
func turnAway(fd int, reply []byte) {
	_, _ = fanout.SendNow(fd, reply)
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

const bannedText = "this address is banned here for a while"

var bannedReply = []byte("HTTP/1.0 403 Forbidden\r\nServer: " + viewerServer +
	"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
