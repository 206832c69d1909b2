package fanout

import "syscall"

// An Engine does the sends of a round. Two are real, see sendto.go and uring.go; tls.go stands before them
// where there is TLS. It belongs to one hub.
type Engine interface {
	// Send offers b to v's socket and reports by done, at the latest in Flush. The prefixes of b's frames are the caller's
	// again at once, its payloads after Flush.
	Send(v *Viewer, b []byte, done Reporter)
	// Flush returns when every send has been reported.
	Flush()
	// Writev offers several slices to v's socket and reports at once.
	Writev(v *Viewer, bs [][]byte) (int, syscall.Errno)
	// Close gives back what the engine has of the kernel's.
	Close()
}

// A Reporter is told what became of a send: n bytes were taken; EAGAIN is a full socket, any other errno a dead one.
type Reporter interface {
	Sent(v *Viewer, n int, errno syscall.Errno)
}
