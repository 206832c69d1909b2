package viewers

import "time"

// Options are how viewers behave.
type Options struct {
	Bare      bool          // no protocol: connect and drain
	SlowRate  float64       // bit/s that a slow viewer reads
	Silence   time.Duration // a viewer that hears nothing for so long is silent
	Patience  time.Duration // from connect to the first byte of stream
	Sources   int           // loopback addresses to come from
	Rcvbuf    int           // SO_RCVBUF in bytes; 0: the kernel's
	Agent     string        // User-Agent; "": NSPlayer's, or "bench" where MMSH is not spoken
	Describe  bool          // MMSH: a Describe before each Play
	Redirects int           // how many in a row a viewer follows; 0: none, they are refusals
	Reconnect bool          // viewers that are closed or refused come back, and have not failed
}
