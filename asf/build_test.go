package asf

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// unhex reads bytes as the tables write them: pairs of digits, bars and spaces between them, and "00*300" for 300
// zeros.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	var b []byte
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, "|", " ")) {
		digits, times, repeated := strings.Cut(word, "*")
		n := 1
		if repeated {
			var err error
			if n, err = strconv.Atoi(times); err != nil {
				t.Fatalf("unhex: %q: %v", word, err)
			}
		}
		one, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("unhex: %q: %v", word, err)
		}
		for range n {
			b = append(b, one...)
		}
	}
	return b
}

// u16, u32 and u64 are little-endian fields for the builders below.
func u16(v uint16) []byte { return le.AppendUint16(nil, v) }
func u32(v uint32) []byte { return le.AppendUint32(nil, v) }
func u64(v uint64) []byte { return le.AppendUint64(nil, v) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// makeObject puts a head before body.
func makeObject(id GUID, body ...[]byte) []byte {
	b := join(body...)
	return join(id[:], u64(uint64(objectHead+len(b))), b)
}

// makeHeaderObject puts children into a Header Object.
func makeHeaderObject(children ...[]byte) []byte {
	body := append([][]byte{u32(uint32(len(children))), {1, 2}}, children...)
	return makeObject(headerObject, body...)
}

// makeDataHead is the start of the Data Object of a file that knows its size.
func makeDataHead(size, packets uint64) []byte {
	return join(dataObject[:], u64(size), fill(0xF1, 16), u64(packets), []byte{1, 1})
}

// makeHeader is what a player gets: the children in a Header Object, and the start of a Data Object.
func makeHeader(children ...[]byte) []byte {
	return join(makeHeaderObject(children...), makeDataHead(dataHead, 0))
}

func fill(v byte, n int) []byte { return []byte(strings.Repeat(string([]byte{v}), n)) }

// makeProperties is a File Properties Object of a file, 10 s long with 3 s of preroll.
func makeProperties(packetSize uint32) []byte {
	return makeObject(fileProperties, fill(0xF1, 16), u64(123456), u64(0x01D0_0000_0000_0000), u64(40),
		u64(130_000_000), u64(100_000_000), u64(3000), u32(2), u32(packetSize), u32(packetSize), u32(500_000))
}

// makeLive sets the broadcast flag of a File Properties Object.
func makeLive(properties []byte) []byte { return edit(properties, 88, []byte{9}) }

// edit returns b with some bytes changed at an offset.
func edit(b []byte, at int, v []byte) []byte {
	b = join(b)
	copy(b[at:], v)
	return b
}

func makeStream(number uint16, media GUID, format []byte) []byte {
	return makeObject(streamProperties, media[:], fill(0, 16), u64(0), u32(uint32(len(format))), u32(0), u16(number),
		u32(0), format)
}

// wma is the WAVEFORMATEX of WMA 2, stereo at 44.1 kHz; wmv the format of 320 x 240 WMV2.
var (
	wma = join(u16(0x161), u16(2), u32(44100), u32(8000), u16(743), u16(16), u16(0))
	wmv = join(u32(320), u32(240), []byte{2}, u16(40), u32(40), u32(320), u32(240), u16(1), u16(24), []byte("WMV2"),
		fill(0, 20))
)

// makeExtension puts children into a Header Extension Object.
func makeExtension(children ...[]byte) []byte {
	b := join(children...)
	reserved := newGUID(0xABD3D211, 0xA9BA, 0x11CF, 0x8EE600C00C205365)
	return makeObject(headerExtension, reserved[:], u16(6), u32(uint32(len(b))), b)
}

// makeExtendedStream is an Extended Stream Properties Object with a name and a payload extension before what is
// embedded.
func makeExtendedStream(number uint16, bitrate uint32, embedded []byte) []byte {
	return makeObject(extendedStream, u64(0), u64(0), u32(bitrate), fill(0, 28), u16(number), u16(0), u64(0),
		u16(1), u16(1),
		u16(0), u16(4), []byte("n\x00a\x00"),
		fill(0xEE, 16), u16(8), u32(3), []byte("inf"),
		embedded)
}

func makeBitrates(pairs ...uint32) []byte {
	b := u16(uint16(len(pairs) / 2))
	for i := 0; i < len(pairs); i += 2 {
		b = join(b, u16(uint16(pairs[i])), u32(pairs[i+1]))
	}
	return makeObject(streamBitrates, b)
}

// testHeader is a header with audio stream 1 and, if asked for, video stream 2.
func testHeader(t testing.TB, packetSize int, video bool) *Header {
	t.Helper()
	children := [][]byte{makeLive(makeProperties(uint32(packetSize))), makeStream(1, audioMedia, wma)}
	if video {
		children = append(children, makeStream(2, videoMedia, wmv))
	}
	h, err := ParseHeader(makeHeader(children...))
	if err != nil {
		t.Fatalf("ParseHeader: %v", err)
	}
	return h
}

// payloadsOf lists the payloads of a packet, all that a player sees of them.
func payloadsOf(t testing.TB, h *Header, b []byte) []string {
	t.Helper()
	p, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", b, err)
	}
	var list []string
	w := p.walk(b)
	for range p.Payloads {
		start := w.f.at
		l, err := w.next()
		if err != nil {
			t.Fatalf("walk(%x): %v", b, err)
		}
		list = append(list, fmt.Sprintf("%x | %x", b[start:l.data], b[l.data:l.end]))
	}
	return list
}
