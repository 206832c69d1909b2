package viewers

import (
	"crypto/tls"
	"time"

	"pumpd/bench/check"
)

// A Role is how a viewer behaves.
type Role uint8

const (
	Crowd   Role = iota // drops what it gets inside the kernel
	Sample              // reads and checks everything
	Slow                // reads and checks, at a limited rate: the server may skip to key frames
	Stalled             // asks and never reads
)

// A phase is where a viewer is in its life.
type phase uint8

const (
	connecting  phase = iota // then handshaking, asking, or watching when there is no protocol
	resolving                // has been sent elsewhere; then connecting
	handshaking              // TLS: the handshake has the descriptor; then asking, or watching if it is never to read
	asking                   // the answer's head is awaited; then watching, resolving, or connecting after a Describe
	watching                 // then gone
	gone                     // closed; last
)

// A viewer is one connection. It belongs to its worker's goroutine.
type viewer struct {
	fd       int       // -1 when closed
	slot     int       // in its worker
	home     *Site     // where it begins
	site     *Site     // where it is
	trail    []string  // the URLs that it was sent to
	tls      *tls.Conn // nil: no TLS, or none yet
	role     Role
	phase    phase
	herd     bool // joined with the herd
	describe bool // this connection asks for the description only
	head     []byte
	check    *check.Checker

	bytes   int64 // of stream
	mark    int64 // bytes at the start of the window, -1: was not watching then
	born    time.Time
	first   time.Duration // from born to the first byte of stream; 0: none yet
	last    time.Time     // of the newest bytes
	credit  float64       // bytes a slow viewer may read now
	silent  bool          // counted already
	shown   bool          // has had the first packet of a key frame
	outcome string        // why it is gone, "" if it is not or was told to
}
