package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"pumpd/asf"
	"pumpd/codec"
)

// An Event is one thing that an upstream says.
type Event struct {
	Kind EventKind
	Data []byte // the header or the packet; valid until the next event is asked for
}

// An EventKind is what an event tells.
type EventKind uint8

const (
	EventHeader EventKind = iota // a whole ASF header, the first or a new one; then anything
	EventPacket                  // one ASF data packet; then anything
	EventEnd                     // the source is over; last
)

// A framedReader cuts a body of frames into events, that of a Play or of a Describe, which begins the same way. It
// takes what Windows Media Services, encoders, VLC, FFmpeg and pumps are known to send (clients.md §7): headers in
// fragments, a new header with or without $C before it, packets of any length, the B bit, $E and $C with more than a
// reason. LocationIds and sequence numbers are not looked at: VLC's do not start at 0.
type framedReader struct {
	in     *window
	header []byte // fragments of a $H so far
	known  bool   // there was a whole header
}

const (
	windowSize = 128 << 10 // bytes; a frame is at most half of it
	maxHeader  = asf.MaxHeader
	objectHead = 24 // bytes: GUID and size
	dataHead   = 50 // bytes of the Data Object that belong to a header
)

// The fragment bits of a $H's AFFlags: mmsh.md §6.2.
const (
	firstFragment = 0x04
	lastFragment  = 0x08
)

// headerStart is how a Header Object begins; asf checks the rest.
var headerStart = headerGUID[:4]

// ErrFragment is a header that is not all there when something else comes.
var ErrFragment = errors.New("$H: breaks off")

// next returns the next event. io.EOF is an end between two frames without an $E; any error is final.
func (n *framedReader) next() (Event, error) {
	for {
		if b := n.in.bytes(); beginsEnd(b) {
			n.in.use(len(b))
			return Event{Kind: EventEnd}, nil
		}
		f, size, err := codec.ParseFrame(n.in.bytes())
		if errors.Is(err, codec.ErrShort) {
			if err := n.in.fill(); err != nil {
				return Event{}, err
			}
			continue
		}
		if err != nil {
			return Event{}, err
		}
		n.in.use(size)
		if e, ok, err := n.frame(f); ok || err != nil {
			return e, err
		}
	}
}

// beginsEnd is true of an $E that has more than a reason. It is an end whatever else is in it, and not all of it may
// come: Flumotion says 8 bytes and sends 4.
func beginsEnd(b []byte) bool {
	return len(b) >= 4 && b[0]&0x7F == '$' && b[1] == 'E' && binary.LittleEndian.Uint16(b[2:]) > 4
}

// frame makes an event of a frame, if it is one.
func (n *framedReader) frame(f codec.Frame) (e Event, ok bool, err error) {
	switch f.Type {
	case 'H':
		return n.fragment(f.Body)
	case 'D':
		return n.packet(f.Body)
	case 'E':
		return Event{Kind: EventEnd}, !goesOn(f), nil
	case 'C':
		return n.change(f.Body)
	}
	return Event{}, false, nil // $M, $P, $T, $F and others do not concern us
}

// goesOn says whether an $E promises another entry of a playlist, which begins with $C (mmsh.md §6.3).
func goesOn(f codec.Frame) bool {
	reason, err := f.Reason()
	return err == nil && reason == 1
}

// packet passes a $D on. Without a header nothing can be done with it.
func (n *framedReader) packet(body []byte) (e Event, ok bool, err error) {
	if len(n.header) > 0 {
		return Event{}, false, fmt.Errorf("%w at %d bytes, $D follows", ErrFragment, len(n.header))
	}
	if !n.known {
		return Event{}, false, nil
	}
	d, err := codec.ParseData(body)
	if err != nil {
		return Event{}, false, err
	}
	return Event{Kind: EventPacket, Data: d.Payload}, true, nil
}

// change is a $C. It only announces a $H, but for those of a push that somebody passes on: behind the reason they have
// the header itself, a mirror's with a data header before the reason (push.md §10).
func (n *framedReader) change(body []byte) (e Event, ok bool, err error) {
	for _, at := range []int{4, 12} {
		if len(body) > at && bytes.HasPrefix(body[at:], headerStart) {
			return n.collect(body[at:], firstFragment|lastFragment)
		}
	}
	return Event{}, false, nil
}

// fragment is a $H.
func (n *framedReader) fragment(body []byte) (e Event, ok bool, err error) {
	d, err := codec.ParseData(body)
	if err != nil {
		return Event{}, false, err
	}
	return n.collect(d.Payload, d.AFFlags)
}

// collect puts a header together. Where fragments end is said twice, by AFFlags and by the size of the Header Object;
// senders that set no flags are believed as soon as the whole header is there.
func (n *framedReader) collect(part []byte, flags uint8) (e Event, ok bool, err error) {
	if flags&firstFragment != 0 {
		n.header = n.header[:0]
	}
	if total := len(n.header) + len(part); total > maxHeader {
		return Event{}, false, fmt.Errorf("$H: %d bytes in fragments, limit %d", total, maxHeader)
	}
	n.header = append(n.header, part...)
	size, err := headerObjectSize(n.header)
	if err != nil {
		return Event{}, false, err
	}
	whole := size + dataHead
	if flags&lastFragment != 0 && len(n.header) < whole {
		whole = size // the start of the Data Object is missing: it can be made up
	}
	switch {
	case size > 0 && len(n.header) >= whole:
		e = Event{Kind: EventHeader, Data: n.header[:whole]}
		n.header, n.known = n.header[:0], true
		return e, true, nil
	case flags&lastFragment != 0:
		return Event{}, false, fmt.Errorf("%w at %d bytes of %d", ErrFragment, len(n.header), size)
	}
	return Event{}, false, nil
}

// headerObjectSize is what a Header Object says of its size, 0 as long as that is not there.
func headerObjectSize(b []byte) (int, error) {
	guid := headerStart[:min(len(b), len(headerStart))]
	if !bytes.HasPrefix(b, guid) {
		return 0, fmt.Errorf("header: begins with %x, want an ASF header", b[:len(guid)])
	}
	if len(b) < objectHead {
		return 0, nil
	}
	size := binary.LittleEndian.Uint64(b[16:])
	if size < objectHead || size > maxHeader-dataHead {
		return 0, fmt.Errorf("header: %d bytes, limit %d", size, maxHeader-dataHead)
	}
	return int(size), nil
}
