package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// ofFile is a header whose Data Object has one packet, by what it says.
func ofFile(header []byte) []byte {
	header = bytes.Clone(header)
	data := header[len(header)-asfDataHead:]
	binary.LittleEndian.PutUint64(data[16:], asfDataHead+200)
	binary.LittleEndian.PutUint64(data[40:], 1)
	return header
}

// rawCases are bodies in the notation of intakeCases.
var rawCases = []struct {
	name string
	body []byte
	want string
}{
	{"live", joined(intakeHeader, intakeOne, intakeTwo), "H 1 2"},
	{"header alone", intakeHeader, "H"},
	{"more than the Data Object says", joined(ofFile(intakeHeader), intakeOne, intakeTwo, intakeOne), "F 1 2 1"},
	{"file with an index", joined(ofFile(intakeHeader), intakeOne, intakeTwo, indexHead, make([]byte, 500)), "F 1 2 E"},
	{"another header", joined(intakeHeader, intakeOne, intakeOther, intakeTwo), "H 1 h 2"},
	{"the same header again", joined(intakeHeader, intakeOne, intakeHeader, intakeTwo), "H 1 H 2"},
	{"packets of zeros are the stream's business", joined(intakeHeader, make([]byte, 200)), "H 0"},
}

// hearAnswer reads all events of a body, whatever it is.
func hearAnswer(from io.Reader) (string, error) {
	a := &answer{in: newWindow(from, intakeSize), reply: &pullReply{}}
	var heard []string
	for {
		e, err := a.next()
		if err == io.EOF {
			return strings.Join(heard, " "), nil
		}
		if err != nil {
			return strings.Join(heard, " "), err
		}
		if e.kind == eventHeader && bytes.Equal(e.data, ofFile(intakeHeader)) {
			heard = append(heard, "F")
		} else {
			heard = append(heard, note(e))
		}
		if e.kind == eventEnd {
			return strings.Join(heard, " "), nil
		}
	}
}

func TestRawIntake(t *testing.T) {
	for _, tt := range rawCases {
		t.Run(tt.name, func(t *testing.T) {
			for name, from := range map[string]io.Reader{
				"at once":        bytes.NewReader(tt.body),
				"byte by byte":   iotest.OneByteReader(bytes.NewReader(tt.body)),
				"with the EOF":   iotest.DataErrReader(bytes.NewReader(tt.body)),
				"chunk by chunk": newChunkedBody(bytes.NewReader(chunks(tt.body, 7))),
			} {
				if got, err := hearAnswer(from); got != tt.want || err != nil {
					t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
				}
			}
			for n := range tt.body {
				got, err := hearAnswer(bytes.NewReader(tt.body[:n]))
				if !strings.HasPrefix(tt.want, got) {
					t.Fatalf("cut to %d bytes: %q, want the start of %q", n, got, tt.want)
				}
				if err != nil && err != io.ErrUnexpectedEOF && n >= len(asfHeader) {
					t.Fatalf("cut to %d bytes: %v, want an unexpected EOF", n, err)
				}
			}
		})
	}
}

func TestRawIntakeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  []byte
		heard string
	}{
		{"size of 2^64-1", hugeHeader(1<<64 - 1), ""},
		{"size of 0", hugeHeader(0), ""},
		{"larger than we take", hugeHeader(intakeSize), ""},
		{"broken header", joined(swap(intakeHeader, 46, 3), intakeOne), ""},
		{"no Data Object", joined(intakeHeader[:len(intakeHeader)-asfDataHead], intakeOne), ""},
		{"another header that is broken", joined(intakeHeader, intakeOne, swap(intakeOther, 46, 3)), "H 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := io.MultiReader(bytes.NewReader(tt.body), bytes.NewReader(make([]byte, 1<<20)))
			if got, err := hearAnswer(body); got != tt.heard || err == nil || err == io.ErrUnexpectedEOF {
				t.Errorf("%q, %v, want %q and an error", got, err, tt.heard)
			}
		})
	}
}

// What is made of bytes does not depend on how they arrive, and packets have the size that their header says.
func FuzzRawIntake(f *testing.F) {
	for _, tt := range rawCases {
		f.Add(tt.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append(slices.Clone(asfHeader[:]), body[min(len(body), len(asfHeader)):]...)
		want, wantErr := hearAnswer(bytes.NewReader(body))
		got, err := hearAnswer(iotest.HalfReader(bytes.NewReader(body)))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("in halves %q, %v, at once %q, %v", got, err, want, wantErr)
		}
		n := rawIntake{in: newWindow(bytes.NewReader(body), intakeSize)}
		for {
			e, err := n.next()
			if err != nil || e.kind == eventEnd {
				return
			}
			if e.kind == eventPacket && len(e.data) != n.size {
				t.Fatalf("packet of %d bytes, want %d", len(e.data), n.size)
			}
		}
	})
}
