package main

import "time"

// viewerOptions are how viewers behave.
type viewerOptions struct {
	bare      bool          // no protocol: connect and drain
	slowRate  float64       // bit/s that a slow viewer reads
	silence   time.Duration // a viewer that hears nothing for so long is silent
	patience  time.Duration // from connect to the first byte of stream
	sources   int           // loopback addresses to come from
	rcvbuf    int           // SO_RCVBUF in bytes; 0: the kernel's
	agent     string        // User-Agent; "": NSPlayer's, or "bench" where MMSH is not spoken
	describe  bool          // MMSH: a Describe before each Play
	reconnect bool          // viewers that are closed or refused come back, and have not failed
}
