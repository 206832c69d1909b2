package server

import (
	"bytes"
	"net"
	"os"
	"time"
)

// A shim is the connection under a tls.Conn: for the handshake the TCP connection itself, afterwards two buffers that
// never block. It belongs to the goroutine of the handshake, then to the conn's loop. Of a connection that is relayed
// it is the TCP connection again, and belongs to the relay.
type shim struct {
	*handshake          // nil after it
	relay      net.Conn // nil: it is not relayed

	in    []byte  // has come and is not decrypted: the hello, later what is valid for one callback
	out   []byte  // records; nil if there are none
	sent  int     // bytes of out that are on their way
	spare *[]byte // memory for out, shared by the loop
}

// Read gives a temporary error when there is nothing: crypto/tls keeps any other for ever, but at this one it keeps its
// state and goes on where it was with the next Read.
func (s *shim) Read(p []byte) (int, error) {
	switch {
	case len(s.in) > 0:
	case s.relay != nil:
		return s.relay.Read(p)
	case s.handshake != nil:
		return s.wait(s.Conn.Read, p)
	default:
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

// Write takes everything.
func (s *shim) Write(b []byte) (int, error) {
	switch {
	case s.relay != nil:
		return s.relay.Write(b)
	case s.handshake != nil:
		return s.wait(s.Conn.Write, b)
	}
	if s.out == nil {
		s.out, *s.spare = (*s.spare)[:0], nil
	}
	s.out = append(s.out, b...)
	return len(b), nil
}

// SetWriteDeadline is called by crypto/tls around close_notify.
func (s *shim) SetWriteDeadline(t time.Time) error {
	switch {
	case s.relay != nil:
		return s.relay.SetWriteDeadline(t)
	case s.handshake != nil:
		return s.Conn.SetWriteDeadline(t)
	}
	return nil
}

// detach ends the handshake's time. The TCP connection is somebody else's from here on.
func (s *shim) detach(spare *[]byte) { s.handshake, s.in, s.spare = nil, nil, spare }

// unsent is what is still to be sent.
func (s *shim) unsent() []byte { return s.out[s.sent:] }

// took passes n bytes of unsent.
func (s *shim) took(n int) {
	if s.sent += n; s.sent == len(s.out) && s.out != nil {
		*s.spare, s.out, s.sent = s.out, nil, 0
	}
}

// shrink gives the loop its memory back and keeps what is unsent in as much as that needs.
func (s *shim) shrink() {
	if s.out != nil {
		rest := bytes.Clone(s.unsent())
		*s.spare, s.out, s.sent = s.out, rest, 0
	}
}
