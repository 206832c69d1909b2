package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"pumpd/codec"
)

// An Answer that plays can stand still between two events, and go on in another process: its connection, what of the
// body has been read and is not used, and how far it is taken apart.

// ErrInterrupted is what Next returns once after an Interrupt, instead of waiting. Nothing is lost by it.
var ErrInterrupted = errors.New("interrupted")

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

// Interrupt has Next return ErrInterrupted where it would wait, until Proceed. The answer must have given an event.
// False: it cannot be, for it comes through TLS, where another process could not go on. Any goroutine, but one at a
// time, and Proceed the same.
func (a *Answer) Interrupt() bool {
	if a.link.wire != nil {
		return false
	}
	a.interrupted.Store(true)
	a.link.SetReadDeadline(longAgo)
	return true
}

// Proceed ends what Interrupt has begun. The owner of the answer then calls Await.
func (a *Answer) Proceed() { a.interrupted.Store(false) }

// Await lets the next event take the client's stall from now on. For who has been interrupted.
func (a *Answer) Await() { a.setTimeout(a.stall()) }

// Unread takes back the last packet, so that it comes again next. Only of a file, and before the next event.
func (a *Answer) Unread(packet []byte) { a.in.start -= len(packet) }

// A Snapshot is what another process needs to go on with an answer, beside its connection.
type Snapshot struct {
	Media  string // Content-Type
	Length int64  // of the whole body, -1 if not said

	// How what comes is made a body.
	Chunked bool
	Chunks  codec.Chunked
	Read    []byte // of the connection: begins with Apart
	Apart   int    // bytes of chunks that are taken apart
	Left    int64  // bytes of a body with a length that are still to come; else 0

	// The body.
	Window []byte // read and not used
	More   bool   // the last read had no room for all that there was

	// How it is cut.
	Packet int    // size of a packet of raw ASF; 0: there are frames
	Header []byte // of frames: fragments of a $H so far
	Known  bool   // of frames: there was a whole header
}

// Snapshot is for who has been interrupted, and valid until the next event. False: another process could not go on.
func (a *Answer) Snapshot() (s *Snapshot, socket *net.TCPConn, ok bool) {
	socket, ok = a.link.Conn.(*net.TCPConn)
	if !ok {
		return nil, nil, false
	}
	s = &Snapshot{Media: a.reply.media, Length: a.reply.length, Window: a.in.bytes(), More: a.in.more}
	from := a.in.from
	switch b := from.(type) {
	case *chunkedBody:
		unread := b.in.buf[b.in.start-len(b.data) : b.in.end]
		s.Chunked, s.Chunks, s.Read, s.Apart = true, b.state, unread, len(b.data)
		from = b.in.from
	case *io.LimitedReader:
		s.Left = b.N
		from = b.R
	}
	if rest, ok := from.(*remainder); !ok || len(rest.read) > 0 {
		return nil, nil, false
	}
	switch b := a.body.(type) {
	case *framedReader:
		s.Header, s.Known = b.header, b.known
	case *rawReader:
		s.Packet = b.size
	}
	return s, socket, true
}

// Check says what in a snapshot cannot be.
func (s *Snapshot) Check() error {
	for _, n := range []struct {
		name        string
		value       int64
		least, most int64
	}{
		{"length of the body", s.Length, -1, s.Length},
		{"bytes of chunks", int64(len(s.Read)), 0, chunkWindow},
		{"bytes of chunks taken apart", int64(s.Apart), 0, int64(len(s.Read))},
		{"bytes of the body that are left", s.Left, 0, max(0, s.Length)},
		{"bytes of the body", int64(len(s.Window)), 0, windowSize},
		{"bytes of a packet", int64(s.Packet), 0, windowSize},
		{"bytes of a header", int64(len(s.Header)), 0, maxHeader},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("upstream: %s: %d, want %d to %d", n.name, n.value, n.least, n.most)
		}
	}
	if !s.Chunked && len(s.Read) > 0 {
		return fmt.Errorf("upstream: %d bytes of chunks where there are none", len(s.Read))
	}
	return nil
}

// Resume goes on with an answer of another process, whose snapshot has been checked, until ctx is done. The connection
// is the answer's.
func (c *Client) Resume(ctx context.Context, s *Snapshot, conn net.Conn) *Answer {
	a := &Answer{link: &link{Conn: conn}, stall: c.Stall, reply: &reply{media: s.Media, length: s.Length}}
	a.release = context.AfterFunc(ctx, func() { conn.Close() })
	a.in = newWindow(a.reply.restored(s, conn), windowSize)
	a.in.restore(s.Window)
	a.in.more = s.More
	if s.Packet > 0 {
		a.body = &rawReader{in: a.in, size: s.Packet}
	} else {
		a.body = &framedReader{in: a.in, header: s.Header, known: s.Known}
	}
	a.Await()
	return a
}

// restored is the body as reply.body has made it, and as much of it as was read is gone.
func (p *reply) restored(s *Snapshot, from io.Reader) io.Reader {
	rest := &remainder{from: from}
	switch {
	case s.Chunked:
		c := newChunkedBody(rest)
		c.state = s.Chunks
		c.in.restore(s.Read)
		c.data = c.in.bytes()[:s.Apart]
		c.in.use(s.Apart)
		return c
	case p.length >= 0:
		return io.LimitReader(rest, s.Left)
	}
	return rest
}

// restore fills an empty window with what another one held.
func (w *window) restore(b []byte) { w.end = copy(w.buf, b) }
