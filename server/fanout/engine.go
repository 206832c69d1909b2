package fanout

import "syscall"

// An Engine does the sends of a round. Two are real, see socket.go and uring.go; the tests' one is made of fake
// sockets.
type Engine interface {
	// Send offers b to v's socket and reports by done, at the latest in flush. The prefixes of b's frames are the caller's
	// again at once, its payloads after flush.
	Send(v *Viewer, b []byte, done Reporter)
	// Flush returns when every send has been reported.
	Flush()
	// Writev offers several slices to v's socket and reports at once.
	Writev(v *Viewer, bs [][]byte) (int, syscall.Errno)
	Close()
}

// A TLS encrypts for one viewer what it is sent, and sends it.
type TLS interface {
	// Offer returns how much of b is done with. What comes next must begin with the rest of b.
	Offer(b []byte) (int, syscall.Errno)
}

// Reporter is told what became of a send: n bytes were taken; EAGAIN is a full socket, any other errno a dead one.
type Reporter interface {
	Sent(v *Viewer, n int, errno syscall.Errno)
}
