// Package asftest makes ASF headers, packets and files for tests: one video stream whose packets carry a number.
package asftest

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// PacketSize is the size in bytes of most tests' packets, as their header says it.
const PacketSize = 1000

// The GUIDs of objects and of media (asf.md).
var (
	GUIDHeader    = []byte("\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C")
	guidData      = []byte("\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C")
	GUIDFile      = []byte("\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65")
	guidStream    = []byte("\x91\x07\xDC\xB7\xB7\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65")
	GUIDAudio     = []byte("\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B")
	GUIDVideo     = []byte("\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B")
	guidExtension = []byte("\xB5\x03\xBF\x5F\x2E\xA9\xCF\x11\x8E\xE3\x00\xC0\x0C\x20\x53\x65")
)

// Object is an ASF object: GUID, size, body.
func Object(guid []byte, body []byte) []byte {
	b := append([]byte{}, guid...)
	b = binary.LittleEndian.AppendUint64(b, uint64(24+len(body)))
	return append(b, body...)
}

// Header is a header for packets of size bytes; two with another width are different streams (asf.md §7).
func Header(size int, width uint32) []byte {
	le := binary.LittleEndian
	file := make([]byte, 80)
	le.PutUint64(file[56:], 3000) // preroll
	le.PutUint32(file[64:], 1)
	le.PutUint32(file[68:], uint32(size))
	le.PutUint32(file[72:], uint32(size))
	le.PutUint32(file[76:], 300_000)
	format := make([]byte, 11+40)
	le.PutUint32(format, width)
	le.PutUint32(format[4:], 240)
	format[8] = 2
	le.PutUint16(format[9:], 40)
	le.PutUint32(format[11:], 40)
	copy(format[27:], "WMV2")
	stream := make([]byte, 54)
	copy(stream, GUIDVideo)
	le.PutUint32(stream[40:], uint32(len(format)))
	stream[48] = 1 // stream number
	stream = append(stream, format...)
	extension := make([]byte, 22)
	copy(extension, "\x11\xD2\xD3\xAB\xBA\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65")
	extension[16] = 6

	children := append(Object(GUIDFile, file), Object(guidStream, stream)...)
	children = append(children, Object(guidExtension, extension)...)
	body := le.AppendUint32(nil, 3)
	body = append(body, 1, 2)
	head := Object(GUIDHeader, append(body, children...))

	data := make([]byte, 26)
	data[24], data[25] = 1, 1
	head = append(head, Object(guidData, data)...)
	le.PutUint64(head[len(head)-34:], 50)
	return head
}

// Packet is a multi-payload packet of size bytes with one payload of n bytes that begins with its number. It is to
// be sent at send, in ms; key says that it begins with a key frame.
func Packet(number uint32, send uint32, key bool, size, n int) []byte {
	le := binary.LittleEndian
	b := []byte{0x82, 0, 0, 0x11, 0x5D} // multiple payloads, padding length a WORD
	b = append(b, 0, 0)
	b = le.AppendUint32(b, send)
	b = le.AppendUint16(b, 40)
	b = append(b, 0x81) // one payload, its length a WORD
	b = appendPayload(b, number, send, key, n)
	return padded(b, size)
}

// paddingAt is where a Packet says how long its padding is.
const paddingAt = 5

// KeyBehind is a Packet whose key frame comes behind as much of an older picture, a piece of it from offset on: what a
// viewer cannot show that starts there.
func KeyBehind(number uint32, send uint32, offset uint32, size, n int) []byte {
	b := Packet(number, send, false, size, n)
	end := len(b) - int(binary.LittleEndian.Uint16(b[paddingAt:]))
	b[13]++                                       // payloads
	binary.LittleEndian.PutUint32(b[16:], offset) // of the first
	return padded(appendPayload(b[:end], number, send, true, n), size)
}

// appendPayload appends one of n bytes that begin with a number.
func appendPayload(b []byte, number, send uint32, key bool, n int) []byte {
	le := binary.LittleEndian
	stream := byte(1)
	if key {
		stream |= 0x80
	}
	b = append(b, stream, byte(number))
	b = le.AppendUint32(b, 0) // offset
	b = append(b, 8)
	b = le.AppendUint32(b, uint32(n))
	b = le.AppendUint32(b, send+3000)
	b = le.AppendUint16(b, uint16(n))
	payload := make([]byte, n)
	le.PutUint32(payload, number)
	return append(b, payload...)
}

// padded is a packet without padding with so much that it has size bytes.
func padded(b []byte, size int) []byte {
	binary.LittleEndian.PutUint16(b[paddingAt:], uint16(size-len(b)))
	return append(b, make([]byte, size-len(b))...)
}

// Mixed is a packet like those of Packet that begins with a key frame, and before that has the end of the frame before
// it. Both payloads begin with the number.
func Mixed(number uint32, send uint32, size, n int) []byte {
	key := Packet(number, send, true, size, n)
	before := Packet(number-1, send, false, size, n)
	const payloadAt, head = 14, 17
	b := slices.Clone(before[:payloadAt+head+n])
	b[payloadAt-1]++ // payloads
	le := binary.LittleEndian
	le.PutUint32(b[payloadAt+2:], uint32(n)) // offset: the object is twice as long
	le.PutUint32(b[payloadAt+7:], uint32(2*n))
	le.PutUint32(b[payloadAt+head:], number)
	b = append(b, key[payloadAt:payloadAt+head+n]...)
	le.PutUint16(b[5:], uint16(size-len(b)))
	return append(b, make([]byte, size-len(b))...)
}

// Payloads is how many payloads a packet of Packet or Mixed has.
func Payloads(b []byte) int { return int(b[13] & 0x3F) }

// Number is what Packet put into a packet's payload.
func Number(b []byte) uint32 { return binary.LittleEndian.Uint32(b[31:]) }

// File is a file of so many packets of 200 bytes, step ms apart, a key frame every ten, their numbers from 0.
func File(packets int, step uint32) []byte { return FileOf(320, packets, step) }

// FileOf is a File with a picture of another width, which makes it a different stream.
func FileOf(width uint32, packets int, step uint32) []byte {
	b := Header(200, width)
	data := len(b) - 50
	b[bytes.Index(b, GUIDFile)+88] = 0 // not a broadcast
	binary.LittleEndian.PutUint64(b[data+16:], uint64(50+200*packets))
	for i := range packets {
		b = append(b, Packet(uint32(i), 1000+uint32(i)*step, i%10 == 0, 200, 60)...)
	}
	return b
}

// Prerolled is a Header that names so many ms of preroll.
func Prerolled(size int, ms uint64) []byte {
	h := Header(size, 320)
	binary.LittleEndian.PutUint64(h[bytes.Index(h, GUIDFile)+80:], ms)
	return h
}

// LongHeader is a Header with so many bytes more, in an object that nobody knows: a multiple of 16, and 24.
func LongHeader(more int) []byte {
	le := binary.LittleEndian
	h := Header(PacketSize, 320)
	o := Object([]byte("nobody knows me."), bytes.Repeat([]byte("0123456789abcdef"), more/16))
	le.PutUint64(h[16:], le.Uint64(h[16:])+uint64(len(o)))
	le.PutUint32(h[24:], le.Uint32(h[24:])+1)
	return slices.Insert(h, len(h)-50, o...)
}

// HeaderOf is a LongHeader of n bytes in all.
func HeaderOf(n int) []byte {
	h := LongHeader(0)
	more := n - len(h)
	h = LongHeader(more/16*16 + 16)
	cut := len(h) - n // off the unknown object, which is the last child
	at := bytes.Index(h, []byte("nobody knows me."))
	for _, size := range [][]byte{h[16:], h[at+16:]} {
		binary.LittleEndian.PutUint64(size, binary.LittleEndian.Uint64(size)-uint64(cut))
	}
	return append(h[:len(h)-50-cut:len(h)-50-cut], h[len(h)-50:]...)
}

// Numbers are those of packets from one up to another, which is not among them.
func Numbers(from, to uint32) (list []uint32) {
	for ; from < to; from++ {
		list = append(list, from)
	}
	return list
}
