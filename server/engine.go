package server

import "syscall"

// An engine does the sends of a round. Two are real, see socket.go and uring.go; the tests' one is made of fake
// sockets.
type engine interface {
	// send offers b to v's socket and reports by done, at the latest in flush. The prefixes of b's frames are the caller's
	// again at once, its payloads after flush.
	send(v *viewer, b []byte, done sent)
	// flush returns when every send has been reported.
	flush()
	// writev offers several slices to v's socket and reports at once.
	writev(v *viewer, bs [][]byte) (int, syscall.Errno)
	close()
}

// An offerer encrypts for one viewer what it is sent, and sends it.
type offerer interface {
	// offer returns how much of b is done with. What comes next must begin with the rest of b.
	offer(b []byte) (int, syscall.Errno)
}

// sent is told what became of a send: n bytes were taken; EAGAIN is a full socket, any other errno a dead one.
type sent interface {
	sent(v *viewer, n int, errno syscall.Errno)
}
