package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// describeTime is how long a Describe may stay open behind its header. Then it has nothing more to say, even if it
// forgot to say so.
const describeTime = 2 * time.Second

// An Answer is an open connection on which an upstream has accepted a request. One goroutine owns it; the end of the
// context of the request closes the connection.
type Answer struct {
	link        *link
	stall       func() time.Duration
	until       time.Time   // the deadline that is set
	release     func() bool // ends the watch over the context
	interrupted atomic.Bool // any goroutine
	reply       *reply
	in          *window    // the body
	body        bodyReader // cuts what comes in; nil: nobody has looked at it yet
}

// A bodyReader cuts a body into events: with frames, or raw.
type bodyReader interface{ next() (Event, error) }

// Close closes the connection.
func (a *Answer) Close() {
	a.release()
	a.link.Close()
}

func (a *Answer) roundTrip(request []byte) error {
	a.setTimeout(a.stall())
	if _, err := a.link.Write(request); err != nil {
		return err
	}
	reply, body, err := readReply(a.link)
	if err != nil {
		return err
	}
	a.reply, a.in = reply, newWindow(body, windowSize)
	return nil
}

// setTimeout says how long from now on whatever is being waited for may take.
func (a *Answer) setTimeout(d time.Duration) {
	a.until = time.Now().Add(d)
	a.link.SetDeadline(a.until)
	if a.interrupted.Load() { // perhaps just before, and that deadline must hold
		a.link.SetReadDeadline(longAgo)
	}
}

// Playing begins to wait for packets. idle is called before it waits for more than has come; more says that not all of
// that need have been passed on: the last read had no room for it, or what was read comes piece by piece.
func (a *Answer) Playing(idle func(more bool) error) {
	a.setTimeout(a.stall())
	a.in.idle = func(more bool) error { return idle(more || a.holds()) }
}

// holds says that bytes may have been read from the connection and not have come here yet: chunks come one by one, and
// records of TLS too, of which nobody can ask how many there are.
func (a *Answer) holds() bool {
	if _, secure := a.link.Conn.(*tls.Conn); secure {
		return true
	}
	c, chunked := a.in.from.(*chunkedBody)
	return chunked && c.holds()
}

// Extend lets the next packet take stall from now on, or up to a quarter more: so few packets need to set a deadline.
func (a *Answer) Extend() {
	if stall := a.stall(); time.Until(a.until) < stall {
		a.setTimeout(stall + stall/4)
	}
}

// Next waits for the next event. io.EOF is an end without an $E; ErrStalled: nothing came for the client's stall. Any
// error but ErrInterrupted is final.
func (a *Answer) Next() (Event, error) {
	if a.body == nil {
		a.body = &framedReader{in: a.in}
		if a.in.kind() == rawBody {
			a.body = &rawReader{in: a.in}
		}
	}
	e, err := a.body.next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(a.until):
		err = ErrInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w for %v", ErrStalled, a.stall())
	case errors.Is(err, codec.ErrDesync):
		err = fmt.Errorf("not MMSH, ASF or a playlist, Content-Type is %.80q: %w", a.reply.media, err)
	}
	return e, err
}

var (
	ErrStalled = errors.New("no packet")                     // for longer than may be
	ErrEnded   = errors.New("upstream has ended the stream") // by $E
)

// raw says whether what comes is ASF without frames. That is endless, and began with the answer to the Describe.
func (a *Answer) raw() bool {
	_, ok := a.body.(*rawReader)
	return ok
}

// IsFile says that what comes is raw ASF with an end.
func (a *Answer) IsFile() bool { return a.raw() && a.reply.length >= 0 }

// A Description is what a Describe was answered with: a playlist, or a header.
type Description struct {
	entries  []string // of a playlist; nil: it is none
	Header   []byte   // a whole ASF header
	streams  []asf.Stream
	clientID uint32
	known    bool   // there is a clientID
	Packet   []byte // the first of a Play that nobody asked for; valid until the next event
}

// describe reads the answer to a Describe. FFmpeg as a server plays whatever it is asked, and once only: where packets
// follow the header, this answer is the Play. Its chunked replies of unknown length tell that it may take a while; of
// raw ASF packets follow always, and asking again would only mean to miss some.
func (a *Answer) describe() (*Description, error) {
	if a.in.kind() == textBody {
		return a.playlist()
	}
	e, err := a.Next()
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	if e.Kind != EventHeader {
		return nil, fmt.Errorf("describe: %w before a header", ErrEnded)
	}
	h, err := asf.ParseHeader(e.Data)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	about := &Description{Header: h.Raw, streams: h.Streams, clientID: a.reply.clientID, known: a.reply.known}
	if !a.reply.chunked && !a.raw() {
		a.setTimeout(describeTime)
	}
	e, err = a.Next()
	switch {
	case err == nil && e.Kind == EventPacket:
		about.Packet = e.Data
	case a.raw() && err != nil:
		return nil, err
	case a.raw():
		return nil, fmt.Errorf("%w before a packet", ErrEnded)
	}
	return about, nil
}

// playlist reads one, or gives the error of what is none.
func (a *Answer) playlist() (*Description, error) {
	a.setTimeout(describeTime)
	text := a.in.readText(maxPlaylist)
	if len(text) > maxPlaylist {
		return nil, fmt.Errorf("playlist: more than %d bytes", maxPlaylist)
	}
	if list := parsePlaylist(text); len(list) > 0 {
		return &Description{entries: list}, nil
	}
	_, err := a.Next()
	return nil, err
}
