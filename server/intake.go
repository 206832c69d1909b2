package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"pumpd/asf"
	"pumpd/codec"
)

// An event is one thing that an upstream says.
type event struct {
	kind eventKind
	data []byte // the header or the packet; valid until the next event is asked for
}

// An eventKind is what an event tells.
type eventKind uint8

const (
	eventHeader eventKind = iota // a whole ASF header, the first or a new one; then anything
	eventPacket                  // one ASF data packet; then anything
	eventEnd                     // the source is over; last
)

// An intake cuts a body of frames into events, that of a Play or of a Describe, which begins the same way. It
// takes what Windows Media Services, encoders, VLC, FFmpeg and pumps are known to send (clients.md §7): headers in
// fragments, a new header with or without $C before it, packets of any length, the B bit, $E and $C with more than a
// reason. LocationIds and sequence numbers are not looked at: VLC's do not start at 0.
type intake struct {
	in     *window
	header []byte // fragments of a $H so far
	known  bool   // there was a whole header
}

const (
	intakeSize     = 128 << 10 // bytes; a frame is at most half of it
	maxHeaderTotal = asf.MaxHeader
	asfObjectHead  = 24 // bytes: GUID and size
	asfDataHead    = 50 // bytes of the Data Object that belong to a header
)

// The fragment bits of a $H's AFFlags: mmsh.md §6.2.
const (
	firstFragment = 0x04
	lastFragment  = 0x08
)

// asfStart is how a Header Object begins; asf checks the rest.
var asfStart = asfHeader[:4]

// errFragment is a header that is not all there when something else comes.
var errFragment = errors.New("$H: breaks off")

// next returns the next event. io.EOF is an end between two frames without an $E; any error is final.
func (n *intake) next() (event, error) {
	for {
		if b := n.in.bytes(); beginsEnd(b) {
			n.in.use(len(b))
			return event{kind: eventEnd}, nil
		}
		f, size, err := codec.ParseFrame(n.in.bytes())
		if errors.Is(err, codec.ErrShort) {
			if err := n.in.fill(); err != nil {
				return event{}, err
			}
			continue
		}
		if err != nil {
			return event{}, err
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
func (n *intake) frame(f codec.Frame) (e event, ok bool, err error) {
	switch f.Type {
	case 'H':
		return n.fragment(f.Body)
	case 'D':
		return n.packet(f.Body)
	case 'E':
		return event{kind: eventEnd}, !goesOn(f), nil
	case 'C':
		return n.change(f.Body)
	}
	return event{}, false, nil // $M, $P, $T, $F and others do not concern us
}

// goesOn says whether an $E promises another entry of a playlist, which begins with $C (mmsh.md §6.3).
func goesOn(f codec.Frame) bool {
	reason, err := f.Reason()
	return err == nil && reason == 1
}

// packet passes a $D on. Without a header nothing can be done with it.
func (n *intake) packet(body []byte) (e event, ok bool, err error) {
	if len(n.header) > 0 {
		return event{}, false, fmt.Errorf("%w at %d bytes, $D follows", errFragment, len(n.header))
	}
	if !n.known {
		return event{}, false, nil
	}
	d, err := codec.ParseData(body)
	if err != nil {
		return event{}, false, err
	}
	return event{kind: eventPacket, data: d.Payload}, true, nil
}

// change is a $C. It only announces a $H, but for those of a push that somebody passes on: behind the reason they have
// the header itself, a mirror's with a data header before the reason (push.md §10).
func (n *intake) change(body []byte) (e event, ok bool, err error) {
	for _, at := range []int{4, 12} {
		if len(body) > at && bytes.HasPrefix(body[at:], asfStart) {
			return n.collect(body[at:], firstFragment|lastFragment)
		}
	}
	return event{}, false, nil
}

// fragment is a $H.
func (n *intake) fragment(body []byte) (e event, ok bool, err error) {
	d, err := codec.ParseData(body)
	if err != nil {
		return event{}, false, err
	}
	return n.collect(d.Payload, d.AFFlags)
}

// collect puts a header together. Where fragments end is said twice, by AFFlags and by the size of the Header Object;
// senders that set no flags are believed as soon as the whole header is there.
func (n *intake) collect(part []byte, flags uint8) (e event, ok bool, err error) {
	if flags&firstFragment != 0 {
		n.header = n.header[:0]
	}
	if total := len(n.header) + len(part); total > maxHeaderTotal {
		return event{}, false, fmt.Errorf("$H: %d bytes in fragments, limit %d", total, maxHeaderTotal)
	}
	n.header = append(n.header, part...)
	size, err := headerObjectSize(n.header)
	if err != nil {
		return event{}, false, err
	}
	whole := size + asfDataHead
	if flags&lastFragment != 0 && len(n.header) < whole {
		whole = size // the start of the Data Object is missing: it can be made up
	}
	switch {
	case size > 0 && len(n.header) >= whole:
		e = event{kind: eventHeader, data: n.header[:whole]}
		n.header, n.known = n.header[:0], true
		return e, true, nil
	case flags&lastFragment != 0:
		return event{}, false, fmt.Errorf("%w at %d bytes of %d", errFragment, len(n.header), size)
	}
	return event{}, false, nil
}

// headerObjectSize is what a Header Object says of its size, 0 as long as that is not there.
func headerObjectSize(b []byte) (int, error) {
	guid := asfStart[:min(len(b), len(asfStart))]
	if !bytes.HasPrefix(b, guid) {
		return 0, fmt.Errorf("header: begins with %x, want an ASF header", b[:len(guid)])
	}
	if len(b) < asfObjectHead {
		return 0, nil
	}
	size := binary.LittleEndian.Uint64(b[16:])
	if size < asfObjectHead || size > maxHeaderTotal-asfDataHead {
		return 0, fmt.Errorf("header: %d bytes, limit %d", size, maxHeaderTotal-asfDataHead)
	}
	return int(size), nil
}
