package upstream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pumpd/server/upstream/upstreamtest"
)

// ofFile is a header whose Data Object has one packet, by what it says.
func ofFile(header []byte) []byte {
	header = bytes.Clone(header)
	data := header[len(header)-dataHead:]
	binary.LittleEndian.PutUint64(data[16:], dataHead+200)
	binary.LittleEndian.PutUint64(data[40:], 1)
	return header
}

// rawCases are bodies in the notation of framedCases.
var rawCases = []struct {
	name string
	body []byte
	want string
}{
	{"live", joined(header320, packet1, packet2), "H 1 2"},
	{"header alone", header320, "H"},
	{"more than the Data Object says", joined(ofFile(header320), packet1, packet2, packet1), "F 1 2 1"},
	{"file with an index", joined(ofFile(header320), packet1, packet2, upstreamtest.Index, make([]byte, 500)), "F 1 2 E"},
	{"another header", joined(header320, packet1, header640, packet2), "H 1 h 2"},
	{"the same header again", joined(header320, packet1, header320, packet2), "H 1 H 2"},
	{"packets of zeros are the stream's business", joined(header320, make([]byte, 200)), "H 0"},
}

// hearAnswer reads all events of a body, whatever it is.
func hearAnswer(from io.Reader) (string, error) {
	a := &Answer{in: newWindow(from, windowSize), reply: &reply{}}
	var heard []string
	for {
		e, err := a.Next()
		if err == io.EOF {
			return strings.Join(heard, " "), nil
		}
		if err != nil {
			return strings.Join(heard, " "), err
		}
		if e.Kind == EventHeader && bytes.Equal(e.Data, ofFile(header320)) {
			heard = append(heard, "F")
		} else {
			heard = append(heard, note(e))
		}
		if e.Kind == EventEnd {
			return strings.Join(heard, " "), nil
		}
	}
}

func TestRaw(t *testing.T) {
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
				if err != nil && err != io.ErrUnexpectedEOF && n >= len(headerGUID) {
					t.Fatalf("cut to %d bytes: %v, want an unexpected EOF", n, err)
				}
			}
		})
	}
}

func TestRawRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  []byte
		heard string
	}{
		{"size of 2^64-1", hugeHeader(1<<64 - 1), ""},
		{"size of 0", hugeHeader(0), ""},
		{"larger than we take", hugeHeader(windowSize), ""},
		{"broken header", joined(swap(header320, 46, 3), packet1), ""},
		{"no Data Object", joined(header320[:len(header320)-dataHead], packet1), ""},
		{"another header that is broken", joined(header320, packet1, swap(header640, 46, 3)), "H 1"},
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
func FuzzRaw(f *testing.F) {
	for _, tt := range rawCases {
		f.Add(tt.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append(slices.Clone(headerGUID[:]), body[min(len(body), len(headerGUID)):]...)
		want, wantErr := hearAnswer(bytes.NewReader(body))
		got, err := hearAnswer(iotest.HalfReader(bytes.NewReader(body)))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("in halves %q, %v, at once %q, %v", got, err, want, wantErr)
		}
		n := rawReader{in: newWindow(bytes.NewReader(body), windowSize)}
		for {
			e, err := n.next()
			if err != nil || e.Kind == EventEnd {
				return
			}
			if e.Kind == EventPacket && len(e.Data) != n.size {
				t.Fatalf("packet of %d bytes, want %d", len(e.Data), n.size)
			}
		}
	})
}
