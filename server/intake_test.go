package server

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
)

func joined(parts ...[]byte) []byte { return slices.Concat(parts...) }

// intakeCases are bodies as upstreams send them and what is to be made of them: H a header of 320 pixels, h one of 640,
// numbers of packets, E the end.
var intakeCases = []struct {
	name string
	body []byte
	want string
}{
	{"header and packets", joined(fullHeader, fullOne, fullTwo), "H 1 2"},
	{"ended", joined(fullHeader, fullOne, codec.AppendReason(nil, 'E', 0)), "H 1 E"},
	{"ended by an error", joined(fullHeader, fullOne, codec.AppendReason(nil, 'E', 0x80070005)), "H 1 E"},
	{"ended, VLC and FFmpeg", joined(fullHeader, fullOne, longEnd), "H 1 E"},
	{"ended, too short for a reason", joined(fullHeader, codec.AppendFrame(nil, 'E', []byte{0})), "H E"},
	{"ended, without a reason", joined(fullHeader, codec.AppendFrame(nil, 'E', nil)), "H E"},
	{"ended, Flumotion: 8 bytes, of which 4 come", joined(fullHeader, fullOne, longEnd[:8]), "H 1 E"},
	{"ended, cut behind its length", joined(fullHeader, fullOne, longEnd[:4]), "H 1 E"},
	{"ended, stream-pump and mirror", joined(fullHeader, fullOne, dataFrame('E', 2, 2, make([]byte, 4))), "H 1 E"},
	{"ended, mirror without its encoder",
		joined(fullHeader, fullOne, dataFrame('E', 2, 2, []byte{1, 0, 0, 0})), "H 1 E"},
	{"ended, B bit", joined(fullHeader, swap(longEnd, 0, 0xA4)), "H E"},
	{"next entry", joined(fullHeader, fullOne, codec.AppendReason(nil, 'E', 1), codec.AppendReason(nil, 'C', 0),
		dataFrame('H', 0, 0x0C, intakeOther), fullTwo), "H 1 h 2"},
	{"change with $C", joined(fullHeader, fullOne, codec.AppendReason(nil, 'C', 0), dataFrame('H', 0, 0x0C, intakeOther),
		fullTwo), "H 1 h 2"},
	{"change with a $C of 8 bytes",
		joined(fullHeader, codec.AppendFrame(nil, 'C', make([]byte, 8)), fullHeader, fullOne),
		"H H 1"},
	{"change without $C, VLC", joined(fullHeader, fullOne, dataFrame('H', 0, 0x0C, intakeOther), fullTwo), "H 1 h 2"},
	{"change without $C, peercast-yt", joined(fullHeader, dataFrame('D', 4711, 0, intakeOne), dataFrame('H', 0, 0x0C,
		intakeOther),
		dataFrame('D', 0, 0, intakeTwo)), "H 1 h 2"},
	{"same header without $C, peercast-yt", joined(fullHeader, dataFrame('D', 4711, 0, intakeOne),
		dataFrame('H', 0, 0, intakeHeader),
		dataFrame('D', 0, 0, intakeTwo)), "H 1 H 2"},
	{"change by a push's $C", joined(fullHeader, fullOne, codec.AppendFrame(nil, 'C', append(make([]byte, 4),
		intakeOther...)),
		fullTwo), "H 1 h 2"},
	{"change by a mirror's $C", joined(fullHeader, fullOne, dataFrame('C', 5, 0, append(make([]byte, 4), intakeOther...)),
		fullTwo), "H 1 h 2"},
	{"header in fragments", joined(dataFrame('H', 0, 0x04, intakeHeader[:100]),
		dataFrame('H', 1, 0, intakeHeader[100:200]),
		dataFrame('H', 2, 0x08, intakeHeader[200:]), fullOne), "H 1"},
	{"fragments of one byte, no flags", joined(byByte(intakeHeader), fullOne), "H 1"},
	{"fragments that start again", joined(dataFrame('H', 0, 0x04, intakeHeader[:100]), fullHeader, fullOne), "H 1"},
	{"whole header without flags", joined(dataFrame('H', 0, 0, intakeHeader), fullOne), "H 1"},
	{"header without the Data Object", joined(dataFrame('H', 0, 0x0C, intakeHeader[:len(intakeHeader)-50]), fullOne),
		"H 1"},
	{"bytes behind the header", joined(dataFrame('H', 0, 0x0C, append(bytes.Clone(intakeHeader), 1, 2, 3)), fullOne),
		"H 1"},
	{"packets before the header", joined(fullOne, fullTwo, fullHeader, fullOne), "H 1"},
	{"other frames", joined(dataFrame('M', 0, 0x0C, []byte("x\x00")), fullHeader, codec.AppendFrame(nil, 'T', nil),
		fullOne,
		codec.AppendFrame(nil, 'F', make([]byte, 65535)), codec.AppendFrame(nil, 0xFF, []byte("?")), fullTwo), "H 1 2"},
	{"B bit", joined(swap(fullHeader, 0, 0xA4), swap(fullOne, 0, 0xA4), fullTwo), "H 1 2"},
	{"inner size less than the frame", joined(fullHeader, padFrame(fullOne, 40), fullTwo), "H 1 2"},
	{"LocationId and sequence of a stream that has been running", joined(fullHeader, dataFrame('D', 70_000, 200,
		intakeOne)), "H 1"},
	{"empty packet is the stream's business", joined(fullHeader, dataFrame('D', 0, 0, nil)), "H -"},
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

// hear reads all events in the notation of intakeCases; an error other than io.EOF comes back.
func hear(from io.Reader) (string, error) {
	var heard []string
	in := &intake{in: newWindow(from, intakeSize)}
	for {
		e, err := in.next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return strings.Join(heard, " "), err
		}
		heard = append(heard, note(e))
		if e.kind == eventEnd {
			return strings.Join(heard, " "), nil
		}
	}
}

func note(e event) string {
	switch {
	case e.kind == eventEnd:
		return "E"
	case e.kind == eventHeader && bytes.HasPrefix(intakeHeader, e.data):
		return "H"
	case e.kind == eventHeader && bytes.HasPrefix(intakeOther, e.data):
		return "h"
	case e.kind == eventPacket && len(e.data) == len(intakeOne):
		return fmt.Sprint(asftest.Number(e.data))
	case e.kind == eventPacket && len(e.data) == 0:
		return "-"
	}
	return fmt.Sprintf("%d:%x", e.kind, e.data)
}

func TestIntake(t *testing.T) {
	for _, tt := range intakeCases {
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
func TestIntakeCut(t *testing.T) {
	for _, tt := range intakeCases {
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

var badIntakes = []struct {
	name  string
	body  []byte
	heard string
	want  error // nil: any
}{
	{"HTML", []byte("<html>"), "", codec.ErrDesync},
	{"raw ASF", intakeHeader, "", codec.ErrDesync},
	{"frame longer than it says", joined(fullHeader, fullOne, []byte("x"), fullTwo), "H 1", codec.ErrDesync},
	{"packet inside a fragmented header", joined(dataFrame('H', 0, 0x04, intakeHeader[:100]), fullOne), "", errFragment},
	{"last fragment too early", joined(dataFrame('H', 0, 0x04, intakeHeader[:100]), dataFrame('H', 1, 0x08,
		intakeHeader[100:120])), "", errFragment},
	{"last fragment before the size", dataFrame('H', 0, 0x0C, intakeHeader[:20]), "", errFragment},
	{"empty header", dataFrame('H', 0, 0x0C, nil), "", errFragment},
	{"header that is none", dataFrame('H', 0, 0x0C, intakeOne), "", nil},
	{"header of 2^64-1 bytes", dataFrame('H', 0, 0x04, hugeHeader(1<<64-1)), "", nil},
	{"header just above the limit", dataFrame('H', 0, 0x04, hugeHeader(maxHeaderTotal-asfDataHead+1)), "", nil},
	{"header of size 0", dataFrame('H', 0, 0x0C, hugeHeader(0)), "", nil},
	{"endless fragments", endlessHeader(), "", nil},
	{"no data header", codec.AppendFrame(nil, 'H', []byte{1, 2, 3}), "", nil},
	{"no data header on a packet", joined(fullHeader, codec.AppendFrame(nil, 'D', []byte{1, 2, 3})), "H", nil},
	{"inner size beyond the frame", joined(fullHeader, swap(fullOne, 11, 0x7F)), "H", nil},
}

func hugeHeader(size uint64) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(asftest.GUIDHeader), size)
}

// endlessHeader says that it has as much as is allowed and then goes on.
func endlessHeader() []byte {
	b := dataFrame('H', 0, 0x04, hugeHeader(maxHeaderTotal-asfDataHead))
	for range maxHeaderTotal/65000 + 1 {
		b = append(b, dataFrame('H', 1, 0, make([]byte, 65000))...)
	}
	return b
}

func TestIntakeRefuses(t *testing.T) {
	for _, tt := range badIntakes {
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
func FuzzIntake(f *testing.F) {
	const small = 2 << 10 // bytes: mutating large seeds finds nothing in ten seconds
	for _, tt := range intakeCases {
		if len(tt.body) < small {
			f.Add(tt.body)
		}
	}
	for _, tt := range badIntakes {
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
		in := &intake{in: newWindow(bytes.NewReader(body), intakeSize)}
		for {
			e, err := in.next()
			if err != nil {
				return
			}
			if e.kind == eventHeader && (len(e.data) < asfObjectHead || len(e.data) > maxHeaderTotal) {
				t.Fatalf("header of %d bytes", len(e.data))
			}
			if e.kind == eventPacket && !in.known {
				t.Fatal("packet before a header")
			}
		}
	})
}
