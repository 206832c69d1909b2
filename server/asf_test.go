package server

import (
	"encoding/binary"
)

// What tests need of ASF: a header with one video stream, and packets that carry a number.

var (
	guidHeader    = []byte("\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C")
	guidData      = []byte("\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C")
	guidFile      = []byte("\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65")
	guidStream    = []byte("\x91\x07\xDC\xB7\xB7\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65")
	guidAudio     = []byte("\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B")
	guidVideo     = []byte("\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B")
	guidExtension = []byte("\xB5\x03\xBF\x5F\x2E\xA9\xCF\x11\x8E\xE3\x00\xC0\x0C\x20\x53\x65")
)

func object(guid []byte, body []byte) []byte {
	b := append([]byte{}, guid...)
	b = binary.LittleEndian.AppendUint64(b, uint64(24+len(body)))
	return append(b, body...)
}

// testHeader is a header for packets of size bytes; two with another width are different streams (asf.md §7).
func testHeader(size int, width uint32) []byte {
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
	copy(stream, guidVideo)
	le.PutUint32(stream[40:], uint32(len(format)))
	stream[48] = 1 // stream number
	stream = append(stream, format...)
	extension := make([]byte, 22)
	copy(extension, "\x11\xD2\xD3\xAB\xBA\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65")
	extension[16] = 6

	children := append(object(guidFile, file), object(guidStream, stream)...)
	children = append(children, object(guidExtension, extension)...)
	body := le.AppendUint32(nil, 3)
	body = append(body, 1, 2)
	head := object(guidHeader, append(body, children...))

	data := make([]byte, 26)
	data[24], data[25] = 1, 1
	head = append(head, object(guidData, data)...)
	le.PutUint64(head[len(head)-34:], 50)
	return head
}

// testPacket is a multi-payload packet of size bytes with one payload of n bytes that begins with its number.
func testPacket(number uint32, send uint32, key bool, size, n int) []byte {
	le := binary.LittleEndian
	b := []byte{0x82, 0, 0, 0x11, 0x5D} // multiple payloads, padding length a WORD
	padAt := len(b)
	b = append(b, 0, 0)
	b = le.AppendUint32(b, send)
	b = le.AppendUint16(b, 40)
	b = append(b, 0x81) // one payload, its length a WORD
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
	b = append(b, payload...)
	le.PutUint16(b[padAt:], uint16(size-len(b)))
	return append(b, make([]byte, size-len(b))...)
}

// packetNumber is what testPacket put into a packet's payload.
func packetNumber(b []byte) uint32 { return binary.LittleEndian.Uint32(b[31:]) }
