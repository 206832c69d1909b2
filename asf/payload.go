package asf

import (
	"errors"
	"fmt"
)

// payload is one payload of a packet: a piece of a media object (a frame), or a few whole small ones ("compressed").
// Section 5.2.3.
//
//	+--------+--------+--------+-------------+------------+----------------+------
//	| stream | object | offset | replicated  | replicated | payload length | data
//	| 1      | 0-4    | 0-4    | length 0-4  | data       | 1-4, multiple  |
//	+--------+--------+--------+-------------+------------+----------------+------
//
// stream: bit 7 key frame, bits 0-6 number. The types of the next three are in the property flags.
//
//	replicated length 0   no replicated data
//	                  1   compressed: offset is the presentation time, replicated data is a u8 time delta, data is a run
//	                      of (u8 length, object)
//	                  8+  u32 object size, u32 presentation time in ms, more
type payload struct {
	stream     byte
	key        bool
	compressed bool
	offset     uint32 // of data in its media object, 0 if compressed
	timeAt     int    // where the presentation time is, 0 if there is none
	timeType   byte   // and its width
	data, end  int    // where the data is
}

// payloadWalk goes through the payloads of one packet.
type payloadWalk struct {
	f          fields // up to the latest possible end of payloads
	properties byte
	multiple   bool
	lengthType byte // of payload lengths, if multiple
}

// walk starts at the first payload of b, whose fields have been parsed.
func (p *Packet) walk(b []byte) payloadWalk {
	w := payloadWalk{properties: b[p.flagsAt+1], multiple: p.Multiple}
	w.f = fields{b: b[:p.end], at: p.payloadsAt()}
	if w.multiple {
		w.lengthType = w.f.byte() >> 6
	}
	return w
}

var errPayload = errors.New("past the end of the packet")

// next returns the payload at hand and passes it. Errors name neither packet nor payload.
func (w *payloadWalk) next() (payload, error) {
	var l payload
	first := w.f.byte()
	l.stream, l.key = first&0x7F, first&0x80 != 0
	w.f.read(w.properties >> 4 & 3) // object number
	offsetAt := w.f.at
	l.offset = w.f.read(w.properties >> 2 & 3)
	replicated := w.f.read(w.properties & 3)
	switch {
	case replicated == 0:
	case replicated == 1:
		l.compressed, l.offset = true, 0
		l.timeAt, l.timeType = offsetAt, w.properties>>2&3
	case replicated < 8:
		return l, fmt.Errorf("replicated data of %d bytes, allowed 0, 1 and from 8", replicated)
	default:
		l.timeAt, l.timeType = w.f.at+4, dword
	}
	w.f.skip(replicated)
	if err := w.data(&l); err != nil {
		return l, err
	}
	if l.compressed {
		return l, checkRun(w.f.b[l.data:l.end])
	}
	return l, nil
}

// time reads the presentation time, if there is one, out of the packet.
func (l *payload) time(b []byte) uint32 {
	f := fields{b: b, at: l.timeAt}
	return f.read(l.timeType)
}

// data finds the bytes of a payload whose other fields are read.
func (w *payloadWalk) data(l *payload) error {
	size := uint32(len(w.f.b) - w.f.at)
	if w.multiple {
		if w.lengthType == none {
			return errors.New("no length, though there are several")
		}
		size = w.f.read(w.lengthType)
	}
	l.data = w.f.at
	w.f.skip(size)
	l.end = w.f.at
	if w.f.short {
		return errPayload
	}
	return nil
}

// checkRun checks the data of a compressed payload: (u8 length, that many bytes) until it is used up.
func checkRun(b []byte) error {
	for len(b) > 0 {
		size := int(b[0])
		if size > len(b)-1 {
			return fmt.Errorf("compressed object of %d bytes, %d left", size, len(b)-1)
		}
		b = b[1+size:]
	}
	return nil
}
