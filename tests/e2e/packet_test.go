package e2e

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// width is the size in bytes of a field by its 2-bit type.
var width = [4]int{0, 1, 2, 4}

// A packet's parts, cut by these tests' own reading of the format. Packet Length and Padding Length are left out: they
// are what a pump may change.
type packetParts struct {
	correction string // error-correction part
	sequence   string
	property   byte
	sendTime   uint32
	duration   uint16
	multiple   bool
	payloads   string // from the payload flags on, padding excluded
	// Where the padding field is, and its width.
	paddingAt, paddingWidth int
}

// content is what must arrive unchanged.
func (p packetParts) content() packetParts {
	p.paddingAt, p.paddingWidth = 0, 0
	return p
}

// cutPacket reads a packet of any length up to P.
func cutPacket(b []byte) (p packetParts, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("packet: %d bytes end inside their fields: % x", len(b), b[:min(len(b), 24)])
		}
	}()
	at := 0
	if b[0]&0x80 != 0 {
		at = 1 + int(b[0]&0x0F)
	}
	p.correction = string(b[:at])
	types := b[at]
	p.property, p.multiple = b[at+1], types&1 != 0
	at += 2
	field := func(kind byte) (start, value int) {
		var v [4]byte
		start = at
		at += copy(v[:width[kind&3]], b[at:at+width[kind&3]])
		return start, int(binary.LittleEndian.Uint32(v[:]))
	}
	end := len(b)
	if _, length := field(types >> 5); types>>5&3 != 0 && length < end {
		end = length
	}
	start, _ := field(types >> 1)
	p.sequence = string(b[start:at])
	start, padding := field(types >> 3)
	p.paddingAt, p.paddingWidth = start, at-start
	p.sendTime = binary.LittleEndian.Uint32(b[at:])
	p.duration = binary.LittleEndian.Uint16(b[at+4:])
	p.payloads = string(b[at+6 : end-padding])
	return p, nil
}

// A payload's beginning.
type payload struct {
	stream byte
	key    bool
	offset uint32 // into its media object
	shown  uint32 // presentation time, ms
	data   string
}

func (l payload) String() string {
	return fmt.Sprintf("stream %d key %v offset %d: %d bytes %.4x…", l.stream, l.key, l.offset, len(l.data), l.data)
}

// list cuts the payloads of a packet that cutPacket has read. It knows the forms that encoders use: replicated data of
// 8 bytes or more, and WORD lengths.
func (p packetParts) list() (all []payload) {
	b, count := []byte(p.payloads), 1
	if p.multiple {
		count, b = int(b[0]&0x3F), b[1:]
	}
	for range count {
		next := payload{stream: b[0] & 0x7F, key: b[0]&0x80 != 0}
		at := 1 + width[p.property>>4&3]
		var offset [4]byte
		at += copy(offset[:width[p.property>>2&3]], b[at:])
		next.offset = binary.LittleEndian.Uint32(offset[:])
		next.shown = binary.LittleEndian.Uint32(b[at+width[p.property&3]+4:])
		at += width[p.property&3] + int(b[at])
		if p.multiple {
			length := int(binary.LittleEndian.Uint16(b[at:]))
			next.data, b = string(b[at+2:at+2+length]), b[at+2+length:]
		} else {
			next.data = string(b[at:])
		}
		all = append(all, next)
	}
	return all
}

// startsKeyFrame says whether a viewer may start at the packet: one of its payloads begins a key frame of the video.
func (p packetParts) startsKeyFrame(video byte) bool {
	return slices.ContainsFunc(p.list(), func(l payload) bool { return l.stream == video && l.key && l.offset == 0 })
}

// putPadding appends the padding that was removed and counts it in the packet's own field, as a player or the next pump
// does.
func putPadding(b []byte, p packetParts, size int) []byte {
	missing := size - len(b)
	full := append(append([]byte(nil), b...), make([]byte, missing)...)
	var v [4]byte
	copy(v[:], full[p.paddingAt:p.paddingAt+p.paddingWidth])
	binary.LittleEndian.PutUint32(v[:], binary.LittleEndian.Uint32(v[:])+uint32(missing))
	copy(full[p.paddingAt:p.paddingAt+p.paddingWidth], v[:])
	return full
}

// stripPadding is an encoder's way to send a packet: without padding, and without the field that counts it.
func stripPadding(b []byte) []byte {
	p, err := cutPacket(b)
	if err != nil {
		panic(err)
	}
	at := len(p.correction)
	short := append([]byte(nil), b[:p.paddingAt]...)
	short[at] &^= 0x18
	short = binary.LittleEndian.AppendUint32(short, p.sendTime)
	short = binary.LittleEndian.AppendUint16(short, p.duration)
	return append(short, p.payloads...)
}
