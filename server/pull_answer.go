package server

import (
	"errors"
	"fmt"
	"os"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// describeTime is how long a Describe may stay open behind its header. Then it has nothing more to say, even if it forgot
// to say so.
const describeTime = 2 * time.Second

// An answer is an open connection on which an upstream has accepted a request.
type answer struct {
	link    *link
	stall   time.Duration
	until   time.Time   // the deadline that is set
	release func() bool // ends the watch over the context
	reply   *pullReply
	intake  *intake
}

func (a *answer) close() {
	a.release()
	a.link.Close()
}

func (a *answer) exchange(request []byte) error {
	a.patience(a.stall)
	if _, err := a.link.Write(request); err != nil {
		return err
	}
	reply, body, err := readReply(a.link)
	if err != nil {
		return err
	}
	a.reply, a.intake = reply, newIntake(body)
	return nil
}

// patience is how long from now on whatever is being waited for may take.
func (a *answer) patience(d time.Duration) {
	a.until = time.Now().Add(d)
	a.link.SetDeadline(a.until)
}

// heard lets the next packet take stall from now on, or up to a quarter more: so few packets need to set a deadline.
func (a *answer) heard() {
	if time.Until(a.until) < a.stall {
		a.patience(a.stall + a.stall/4)
	}
}

// next is the intake's, with errors that say what they mean here.
func (a *answer) next() (event, error) {
	e, err := a.intake.next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w for %v", errStalled, a.stall)
	case errors.Is(err, codec.ErrDesync):
		err = fmt.Errorf("not MMSH, Content-Type is %.80q: %w", a.reply.media, err)
	}
	return e, err
}

var (
	errStalled = errors.New("no packet")
	errEnded   = errors.New("upstream has ended the stream")
)

// A description is what a Describe was answered with.
type description struct {
	header   []byte
	streams  []asf.Stream
	clientID uint32
	known    bool   // there is a clientID
	packet   []byte // the first of a Play that nobody asked for; valid until the next event
}

// describe reads the answer to a Describe. FFmpeg as a server plays whatever it is asked, and once only: where packets
// follow the header, this answer is the Play. Its chunked replies of unknown length tell that it may take a while.
func (a *answer) describe() (*description, error) {
	e, err := a.next()
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	if e.kind != eventHeader {
		return nil, fmt.Errorf("describe: %w before a header", errEnded)
	}
	h, err := asf.ParseHeader(e.data)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	about := &description{header: h.Raw, streams: h.Streams, clientID: a.reply.clientID, known: a.reply.known}
	if !a.reply.chunked {
		a.patience(describeTime)
	}
	if e, err := a.next(); err == nil && e.kind == eventPacket {
		about.packet = e.data
	}
	return about, nil
}
