package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/upstream/upstreamtest"
)

// What the tests of bodies are full of.
var (
	dataFrame    = upstreamtest.DataFrame
	swap         = upstreamtest.Swap
	chunks       = upstreamtest.Chunks
	header320    = upstreamtest.Header
	header640    = upstreamtest.OtherHeader
	packet1      = upstreamtest.One
	packet2      = upstreamtest.Two
	framedHeader = upstreamtest.FramedHeader
	framed1      = upstreamtest.FramedOne
	framed2      = upstreamtest.FramedTwo
	longEnd      = upstreamtest.LongEnd
)

func joined(parts ...[]byte) []byte { return slices.Concat(parts...) }

// framedCases are bodies as upstreams send them and what is to be made of them: H a header of 320 pixels, h one of 640,
// numbers of packets, E the end.
var framedCases = []struct {
	name string
	body []byte
	want string
}{
	{"header and packets", joined(framedHeader, framed1, framed2), "H 1 2"},
	{"ended", joined(framedHeader, framed1, codec.AppendReason(nil, 'E', 0)), "H 1 E"},
	{"ended by an error", joined(framedHeader, framed1, codec.AppendReason(nil, 'E', 0x80070005)), "H 1 E"},
	{"ended, VLC and FFmpeg", joined(framedHeader, framed1, longEnd), "H 1 E"},
	{"ended, too short for a reason", joined(framedHeader, codec.AppendFrame(nil, 'E', []byte{0})), "H E"},
	{"ended, without a reason", joined(framedHeader, codec.AppendFrame(nil, 'E', nil)), "H E"},
	{"ended, Flumotion: 8 bytes, of which 4 come", joined(framedHeader, framed1, longEnd[:8]), "H 1 E"},
	{"ended, cut behind its length", joined(framedHeader, framed1, longEnd[:4]), "H 1 E"},
	{"ended, stream-pump and mirror", joined(framedHeader, framed1, dataFrame('E', 2, 2, make([]byte, 4))), "H 1 E"},
	{"ended, mirror without its encoder",
		joined(framedHeader, framed1, dataFrame('E', 2, 2, []byte{1, 0, 0, 0})), "H 1 E"},
	{"ended, B bit", joined(framedHeader, swap(longEnd, 0, 0xA4)), "H E"},
	{"next entry", joined(framedHeader, framed1, codec.AppendReason(nil, 'E', 1), codec.AppendReason(nil, 'C', 0),
		dataFrame('H', 0, 0x0C, header640), framed2), "H 1 h 2"},
	{"change with $C", joined(framedHeader, framed1, codec.AppendReason(nil, 'C', 0), dataFrame('H', 0, 0x0C, header640),
		framed2), "H 1 h 2"},
	{"change with a $C of 8 bytes",
		joined(framedHeader, codec.AppendFrame(nil, 'C', make([]byte, 8)), framedHeader, framed1),
		"H H 1"},
	{"change without $C, VLC", joined(framedHeader, framed1, dataFrame('H', 0, 0x0C, header640), framed2), "H 1 h 2"},
	{"change without $C, peercast-yt", joined(framedHeader, dataFrame('D', 4711, 0, packet1), dataFrame('H', 0, 0x0C,
		header640),
		dataFrame('D', 0, 0, packet2)), "H 1 h 2"},
	{"same header without $C, peercast-yt", joined(framedHeader, dataFrame('D', 4711, 0, packet1),
		dataFrame('H', 0, 0, header320),
		dataFrame('D', 0, 0, packet2)), "H 1 H 2"},
	{"change by a push's $C", joined(framedHeader, framed1, codec.AppendFrame(nil, 'C', append(make([]byte, 4),
		header640...)),
		framed2), "H 1 h 2"},
	{"change by a mirror's $C", joined(framedHeader, framed1, dataFrame('C', 5, 0, append(make([]byte, 4), header640...)),
		framed2), "H 1 h 2"},
	{"header in fragments", joined(dataFrame('H', 0, 0x04, header320[:100]),
		dataFrame('H', 1, 0, header320[100:200]),
		dataFrame('H', 2, 0x08, header320[200:]), framed1), "H 1"},
	{"fragments of one byte, no flags", joined(byByte(header320), framed1), "H 1"},
	{"fragments that start again", joined(dataFrame('H', 0, 0x04, header320[:100]), framedHeader, framed1), "H 1"},
	{"whole header without flags", joined(dataFrame('H', 0, 0, header320), framed1), "H 1"},
	{"header without the Data Object", joined(dataFrame('H', 0, 0x0C, header320[:len(header320)-50]), framed1),
		"H 1"},
	{"bytes behind the header", joined(dataFrame('H', 0, 0x0C, append(bytes.Clone(header320), 1, 2, 3)), framed1),
		"H 1"},
	{"packets before the header", joined(framed1, framed2, framedHeader, framed1), "H 1"},
	{"other frames", joined(dataFrame('M', 0, 0x0C, []byte("x\x00")), framedHeader, codec.AppendFrame(nil, 'T', nil),
		framed1,
		codec.AppendFrame(nil, 'F', make([]byte, 65535)), codec.AppendFrame(nil, 0xFF, []byte("?")), framed2), "H 1 2"},
	{"B bit", joined(swap(framedHeader, 0, 0xA4), swap(framed1, 0, 0xA4), framed2), "H 1 2"},
	{"inner size less than the frame", joined(framedHeader, padFrame(framed1, 40), framed2), "H 1 2"},
	{"LocationId and sequence of a stream that has been running", joined(framedHeader, dataFrame('D', 70_000, 200,
		packet1)), "H 1"},
	{"empty packet is the stream's business", joined(framedHeader, dataFrame('D', 0, 0, nil)), "H -"},
	{"nothing", nil, ""},
}

func byByte(header []byte) (b []byte) {
	for i := range header {
		b = append(b, dataFrame('H', uint32(i), 0, header[i:i+1])...)
	}
	return b
}

// padFrame makes a frame longer than its data header says.
func padFrame(frame []byte, n int) []byte {
	frame = append(bytes.Clone(frame), make([]byte, n)...)
	binary.LittleEndian.PutUint16(frame[2:], uint16(len(frame)-4))
	return frame
}

// hear reads all events in the notation of framedCases; an error other than io.EOF comes back.
func hear(from io.Reader) (string, error) {
	var heard []string
	in := &framedReader{in: newWindow(from, windowSize)}
	for {
		e, err := in.next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return strings.Join(heard, " "), err
		}
		heard = append(heard, note(e))
		if e.Kind == EventEnd {
			return strings.Join(heard, " "), nil
		}
	}
}

func note(e Event) string {
	switch {
	case e.Kind == EventEnd:
		return "E"
	case e.Kind == EventHeader && bytes.HasPrefix(header320, e.Data):
		return "H"
	case e.Kind == EventHeader && bytes.HasPrefix(header640, e.Data):
		return "h"
	case e.Kind == EventPacket && len(e.Data) == len(packet1):
		return fmt.Sprint(asftest.Number(e.Data))
	case e.Kind == EventPacket && len(e.Data) == 0:
		return "-"
	}
	return fmt.Sprintf("%d:%x", e.Kind, e.Data)
}

func TestFramed(t *testing.T) {
	for _, tt := range framedCases {
		t.Run(tt.name, func(t *testing.T) {
			for name, from := range map[string]io.Reader{
				"at once":         bytes.NewReader(tt.body),
				"byte by byte":    iotest.OneByteReader(bytes.NewReader(tt.body)),
				"with the EOF":    iotest.DataErrReader(bytes.NewReader(tt.body)),
				"half of a read":  iotest.HalfReader(bytes.NewReader(tt.body)),
				"chunk by chunk":  newChunkedBody(bytes.NewReader(chunks(tt.body, 7))),
				"one large chunk": newChunkedBody(bytes.NewReader(chunks(tt.body, 1<<20))),
			} {
				if got, err := hear(from); got != tt.want || err != nil {
					t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
				}
			}
		})
	}
}

// Wherever a body breaks off, what came before counts, and a frame that is not whole is told from an end.
func TestFramedCut(t *testing.T) {
	for _, tt := range framedCases {
		t.Run(tt.name, func(t *testing.T) {
			for n := range min(len(tt.body), 1500) {
				got, err := hear(bytes.NewReader(tt.body[:n]))
				if !strings.HasPrefix(tt.want, got) {
					t.Fatalf("cut to %d bytes: %q, want the start of %q", n, got, tt.want)
				}
				if err != nil && err != io.ErrUnexpectedEOF {
					t.Fatalf("cut to %d bytes: %v, want an unexpected EOF", n, err)
				}
			}
		})
	}
}

var badFramed = []struct {
	name  string
	body  []byte
	heard string
	want  error // nil: any
}{
	{"HTML", []byte("<html>"), "", codec.ErrDesync},
	{"raw ASF", header320, "", codec.ErrDesync},
	{"frame longer than it says", joined(framedHeader, framed1, []byte("x"), framed2), "H 1", codec.ErrDesync},
	{"packet inside a fragmented header", joined(dataFrame('H', 0, 0x04, header320[:100]), framed1), "", ErrFragment},
	{"last fragment too early", joined(dataFrame('H', 0, 0x04, header320[:100]), dataFrame('H', 1, 0x08,
		header320[100:120])), "", ErrFragment},
	{"last fragment before the size", dataFrame('H', 0, 0x0C, header320[:20]), "", ErrFragment},
	{"empty header", dataFrame('H', 0, 0x0C, nil), "", ErrFragment},
	{"header that is none", dataFrame('H', 0, 0x0C, packet1), "", nil},
	{"header of 2^64-1 bytes", dataFrame('H', 0, 0x04, hugeHeader(1<<64-1)), "", nil},
	{"header just above the limit", dataFrame('H', 0, 0x04, hugeHeader(maxHeader-dataHead+1)), "", nil},
	{"header of size 0", dataFrame('H', 0, 0x0C, hugeHeader(0)), "", nil},
	{"endless fragments", endlessHeader(), "", nil},
	{"no data header", codec.AppendFrame(nil, 'H', []byte{1, 2, 3}), "", nil},
	{"no data header on a packet", joined(framedHeader, codec.AppendFrame(nil, 'D', []byte{1, 2, 3})), "H", nil},
	{"inner size beyond the frame", joined(framedHeader, swap(framed1, 11, 0x7F)), "H", nil},
}

func hugeHeader(size uint64) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(asftest.GUIDHeader), size)
}

// endlessHeader says that it has as much as is allowed and then goes on.
func endlessHeader() []byte {
	b := dataFrame('H', 0, 0x04, hugeHeader(maxHeader-dataHead))
	for range maxHeader/65000 + 1 {
		b = append(b, dataFrame('H', 1, 0, make([]byte, 65000))...)
	}
	return b
}

func TestFramedRefuses(t *testing.T) {
	for _, tt := range badFramed {
		t.Run(tt.name, func(t *testing.T) {
			heard, err := hear(bytes.NewReader(tt.body))
			if heard != tt.heard || err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q, %v, want %q and an error", heard, err, tt.heard)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// What is made of bytes does not depend on how they arrive, and no event is larger than it may be.
func FuzzFramed(f *testing.F) {
	const small = 2 << 10 // bytes: mutating large seeds finds nothing in ten seconds
	for _, tt := range framedCases {
		if len(tt.body) < small {
			f.Add(tt.body)
		}
	}
	for _, tt := range badFramed {
		if len(tt.body) < small {
			f.Add(tt.body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := hear(bytes.NewReader(body))
		got, err := hear(iotest.HalfReader(bytes.NewReader(body)))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("in halves %q, %v, at once %q, %v", got, err, want, wantErr)
		}
		in := &framedReader{in: newWindow(bytes.NewReader(body), windowSize)}
		for {
			e, err := in.next()
			if err != nil {
				return
			}
			if e.Kind == EventHeader && (len(e.Data) < objectHead || len(e.Data) > maxHeader) {
				t.Fatalf("header of %d bytes", len(e.Data))
			}
			if e.Kind == EventPacket && !in.known {
				t.Fatal("packet before a header")
			}
		}
	})
}
