package asf

import (
	"errors"
	"fmt"
)

// A Packet is what one parse found in the bytes of one ASF data packet. It points nowhere and is valid for just those
// bytes.
type Packet struct {
	SendTime uint32 // ms, wraps after 49.7 days
	Duration uint16 // ms
	Padding  int    // bytes at the end that are no payload; a packet cut short by its sender has none
	Payloads int    // at least 1
	Unknown  int    // payloads of streams that the header does not declare; players skip them
	Multiple bool   // payloads say how long they are; a single payload reaches up to the padding
	Join     bool   // a viewer may start here
	Older    Older  // if Join: the video before the key frame, see AppendTrimmed

	// Presentation times of the earliest and the latest payload that has one, in ms; SendTime if none has.
	Earliest, Latest uint32

	layout
	narrowTime bool // a compressed payload has less than 4 bytes for its time
}

// layout is where the parts of a packet are; all offsets from its first byte.
type layout struct {
	flags     byte // LTF
	flagsAt   int  // of LTF; the property flags are next
	lengthAt  int  // of Packet Length, or where it would be
	paddingAt int  // of Padding Length, or where it would be
	length    int  // value of Packet Length, 0 if there is none
	padding   int  // value of Padding Length, 0 if there is none
	end       int  // of the last payload
}

func (l *layout) lengthType() byte  { return l.flags >> 5 & 3 }
func (l *layout) paddingType() byte { return l.flags >> 3 & 3 }

// timeAt returns where Send Time is.
func (l *layout) timeAt() int { return l.paddingAt + width[l.paddingType()] }

// payloadsAt returns where the payload flags or, of a single payload, its first byte are.
func (l *layout) payloadsAt() int { return l.timeAt() + 6 }

const minPacket = 11 // bytes; less cannot hold a payload

var errFields = errors.New("packet: ends inside its fields")

// ParsePacket checks the data packet b and finds what a reflector needs. b may be shorter than PacketSize: a sender may
// cut padding off, see AppendFull. It does not allocate. Section 5.2.
//
// It is strict about what no muxer does and damage does: a block of zeros reads as a packet of stream 0 otherwise, with
// send time 0. So stream numbers are of the only type allowed, and one payload at least is of a stream that the header
// declares.
func (h *Header) ParsePacket(b []byte) (Packet, error) {
	if len(b) < minPacket || len(b) > h.PacketSize {
		return Packet{}, fmt.Errorf("packet: %d bytes, allowed %d to %d", len(b), minPacket, h.PacketSize)
	}
	p, err := h.parseFields(b)
	if err != nil {
		return Packet{}, err
	}
	if err := h.readPayloads(&p, b); err != nil {
		return Packet{}, err
	}
	return p, nil
}

// parseFields reads all that comes before the payloads; the drawing is in the package comment. Of the end it knows only
// the latest possible.
func (h *Header) parseFields(b []byte) (p Packet, err error) {
	f := fields{b: b}
	if err := f.skipCorrection(); err != nil {
		return p, err
	}
	p.flagsAt = f.at
	p.flags = f.byte()
	if p.flags&0x80 != 0 {
		return p, fmt.Errorf("packet: length-type flags %#02x, want bit 7 clear", p.flags)
	}
	if properties := f.byte(); !f.short && properties>>6 != byte1 { // the rest is read with the payloads
		return p, fmt.Errorf("packet: property flags %#02x, want stream numbers of one byte, bits 6-7 %02b", properties,
			byte1)
	}
	p.lengthAt = f.at
	length := f.read(p.lengthType())
	f.read(p.flags >> 1 & 3) // Sequence: nobody uses it
	p.paddingAt = f.at
	padding := f.read(p.paddingType())
	p.SendTime = f.read(dword)
	p.Duration = uint16(f.read(word))
	p.Multiple = p.flags&1 != 0
	p.Payloads = 1
	if p.Multiple {
		p.Payloads = int(f.byte() & 0x3F)
	}
	if f.short {
		return p, errFields
	}
	return p, p.setEnd(len(b), h.PacketSize, f.at, length, padding)
}

// skipCorrection passes the error correction: flags, with the length of its data in bits 0-3. Without bit 7 there is
// none and the first byte is the LTF already.
func (f *fields) skipCorrection() error {
	flags := f.b[0]
	if flags&0x80 == 0 {
		return nil
	}
	if flags&0x60 != 0 {
		return fmt.Errorf("packet: error correction flags %#02x, want bits 5-6 clear", flags)
	}
	f.skip(1 + uint32(flags&0x0F))
	return nil
}

// setEnd checks both lengths of a packet of n bytes, whose fields take up the first ones, and finds up to where
// payloads may reach.
//
// A single payload with a Packet Length ends at Packet Length - padding, whatever was cut off behind. But who cuts
// padding and sets its length to 0 often leaves the Packet Length as it was, and then it promises bytes that never
// come: what arrived is all. Several payloads have lengths of their own, so the two do not bound them: GStreamer's
// muxer leaves padding out of its Packet Length, and its payloads end at the sum.
func (p *Packet) setEnd(n, size, fields int, length, padding uint32) error {
	limit := uint32(n - 1)
	if p.lengthType() != none {
		if uint64(length) > uint64(size) {
			return fmt.Errorf("packet: packet length %d, limit %d", length, size)
		}
		limit = length
	}
	if padding > limit {
		return fmt.Errorf("packet: padding %d, limit %d", padding, limit)
	}
	p.length, p.padding = int(length), int(padding)
	switch {
	case p.Multiple:
		p.end = n
	case p.lengthType() == none || p.cut(n):
		p.end = n - p.padding
	default:
		p.end = p.length - p.padding
	}
	if p.end < fields {
		return fmt.Errorf("packet: payloads end at %d, fields only at %d", p.end, fields)
	}
	return nil
}

// cut reports whether a packet of n bytes has a Packet Length that promises more than that.
func (l *layout) cut(n int) bool { return l.length-l.padding > n }

// readPayloads walks all payloads, checks that they fit, and notes what is in them.
func (h *Header) readPayloads(p *Packet, b []byte) error {
	if p.Payloads == 0 {
		return errors.New("packet: 0 payloads, need 1")
	}
	w := p.walk(b)
	p.Earliest, p.Latest = p.SendTime, p.SendTime
	timed := false
	for i := range p.Payloads {
		l, err := w.next()
		if err != nil {
			return fmt.Errorf("packet: payload %d: %w", i, err)
		}
		kind := h.kinds[l.stream]
		if kind == 0 {
			p.Unknown++
		}
		if l.compressed && l.timeType != dword {
			p.narrowTime = true
		}
		if l.timeAt > 0 && l.timeType == dword {
			p.showAt(le.Uint32(b[l.timeAt:]), !timed)
			timed = true
		}
		switch {
		case p.Join:
		case h.startsAt(i, kind, l):
			p.Join = true
		case kind == Video:
			p.Older = max(p.Older, l.older())
		}
	}
	if p.Unknown == p.Payloads {
		return fmt.Errorf("packet: %d payloads, none of a stream that the header declares", p.Payloads)
	}
	if !p.Join {
		p.Older = NoOlder
	}
	p.end = w.f.at // of several payloads: what is behind the last one is padding, declared or not
	p.Padding = len(b) - p.end
	return nil
}

// startsAt reports whether a viewer may start at payload i. With video that is the first piece of a key frame, wherever
// in the packet: AppendTrimmed takes away the video before it. Key bits of audio mean nothing (FFmpeg clears them,
// Windows Media Encoder sets them), so without video any packet does that begins with an object.
func (h *Header) startsAt(i int, kind Kind, l payload) bool {
	if l.offset != 0 {
		return false
	}
	if h.video {
		return kind == Video && l.key
	}
	return i == 0
}

// showAt widens Earliest and Latest; times are compared modulo 2^32.
func (p *Packet) showAt(t uint32, first bool) {
	if first || int32(t-p.Earliest) < 0 {
		p.Earliest = t
	}
	if first || int32(t-p.Latest) > 0 {
		p.Latest = t
	}
}
