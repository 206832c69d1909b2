package asf

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(b []byte) (*Header, [][]byte, error) { return ReadFile(bytes.NewReader(b), 1<<30) }

// A file here has packets of 40 bytes of 0x82 and then what is behind them.
func TestReadFile(t *testing.T) {
	audio := makeStream(1, audioMedia, wma)
	file := makeHeaderObject(makeProperties(40), audio)
	live := makeHeaderObject(makeLive(makeProperties(40)), audio)
	packets := fill(0x82, 3*40)
	index := makeObject(simpleIndex, fill(0, 100))
	sized := makeDataHead(dataHead+3*40, 3)
	tests := []struct {
		name string
		in   []byte
		want int // packets, 0: an error
		err  string
	}{
		{"whole", join(file, sized, packets), 3, ""},
		{"with an index", join(file, sized, packets, index), 3, ""},
		{"with packets that are none of its own", join(file, sized, packets, packets), 3, ""},
		{"size of two and a half", join(file, makeDataHead(dataHead+100, 3), packets), 2, ""},
		{"fewer than it says", join(file, makeDataHead(dataHead+400, 10), packets), 3, ""},
		{"fewer than it says, with an index", join(file, makeDataHead(dataHead+400, 10), packets, index), 3, ""},
		{"size of junk", join(file, makeDataHead(math.MaxUint64, 3), packets), 3, ""},
		{"broken off in a packet", join(file, sized, packets[:79]), 1, ""},
		{"size 0", join(file, makeDataHead(0, 0), packets), 3, ""},
		{"size 50, with an index", join(file, makeDataHead(50, 0), packets, index), 3, ""},
		{"live, size of junk", join(live, makeDataHead(77, 1<<40), packets), 3, ""},
		{"live, size of one", join(live, makeDataHead(dataHead+40, 1), packets), 3, ""},
		{"live, with each kind of index", join(live, makeDataHead(0, 0), packets, makeObject(indexObject, fill(0, 100))), 3,
			""},
		{"live, with a media object index", join(live, makeDataHead(0, 0), packets, makeObject(mediaIndex, fill(0, 100))), 3,
			""},
		{"live, with a timecode index", join(live, makeDataHead(0, 0), packets, makeObject(timecodes, fill(0, 100))), 3, ""},
		{"live, with a small index", join(live, makeDataHead(0, 0), packets, makeObject(simpleIndex, fill(0, 10))), 3, ""},

		{"nothing", nil, 0, "EOF"},
		{"another kind of file", []byte("RIFF\x00\x00\x00\x00WAVEfmt ........."), 0, "begins with \"RIFF"},
		{"header of junk size", edit(join(file, sized), 16, u64(math.MaxUint64)), 0, "size 18446744073709551615"},
		{"header larger than the limit", edit(join(file, sized), 16, u64(1<<30-49)), 0, "size 1073741775, allowed 24 to " +
			"1073741774"},
		{"header larger than the file", edit(join(file, sized), 16, u64(1<<20)), 0, "before the first packet"},
		{"header of size 23", edit(join(file, sized), 16, u64(23)), 0, "size 23"},
		{"bad header", join(makeHeaderObject(audio), sized, packets), 0, "no file properties"},
		{"no data object", file, 0, "50 bytes before the first packet"},
		{"an index instead of data", join(file, index), 0, "behind it, want"},
		{"no packets", join(file, makeDataHead(dataHead, 0)), 0, "no packets"},
		{"an index instead of packets", join(live, makeDataHead(0, 0), index), 0, "no packets"},
		{"size of less than a packet", join(file, makeDataHead(dataHead+39, 1), packets), 0, "no packets"},
	}
	for _, tt := range tests {
		h, got, err := readAll(tt.in)
		if tt.want == 0 {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %d packets, error %v, want %q in it", tt.name, len(got), err, tt.err)
			}
			continue
		}
		if err != nil || len(got) != tt.want || h.PacketSize != 40 {
			t.Errorf("%s: header %+v, %d packets, error %v, want %d packets", tt.name, h, len(got), err, tt.want)
		}
		for i, b := range got {
			if !bytes.Equal(b, packets[:40]) {
				t.Errorf("%s: packet %d: %x", tt.name, i, b)
			}
		}
	}
}

func TestReadFileCut(t *testing.T) {
	b := join(makeHeaderObject(makeProperties(40), makeStream(1, audioMedia, wma)), makeDataHead(dataHead+120, 3))
	head := len(b)
	b = append(b, fill(0x82, 120)...)
	for n := range b {
		_, packets, err := readAll(b[:n])
		if want := max(n-head, 0) / 40; len(packets) != want || (err == nil) != (want > 0) {
			t.Errorf("cut at %d of %d, header %d: %d packets, error %v, want %d", n, len(b), head, len(packets), err, want)
		}
	}
}

func TestReadFileLimit(t *testing.T) {
	b := join(makeHeaderObject(makeProperties(40), makeStream(1, audioMedia, wma)), makeDataHead(dataHead+120, 3),
		fill(0x82, 120))
	tests := []struct {
		limit int
		err   string
	}{
		{len(b), ""},
		{len(b) + 1, ""},
		{len(b) - 1, "packet 2: file is 1 bytes above"},
		{len(b) - 120, "packet 0: file is 40 bytes above"},
		{len(b) - 121, "header: size"},
		{0, "header: size"},
		{-1, "header: size"},
	}
	for _, tt := range tests {
		_, packets, err := ReadFile(bytes.NewReader(b), int64(tt.limit))
		if tt.err == "" {
			if err != nil || len(packets) != 3 {
				t.Errorf("limit %d: %d packets, error %v, want 3", tt.limit, len(packets), err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("limit %d: %d packets, error %v, want %q in it", tt.limit, len(packets), err, tt.err)
		}
	}
}

// A disk that fails is not the end of a file.
func TestReadFileError(t *testing.T) {
	b := join(makeHeaderObject(makeProperties(40), makeStream(1, audioMedia, wma)), makeDataHead(dataHead+120, 3),
		fill(0x82, 120))
	disk := errors.New("disk on fire")
	for _, n := range []int{0, 10, 24, 100, len(b) - 120, len(b) - 100, len(b) - 40} {
		r := io.MultiReader(iotest.OneByteReader(bytes.NewReader(b[:n])), iotest.ErrReader(disk))
		if _, _, err := ReadFile(r, 1<<20); !errors.Is(err, disk) {
			t.Errorf("after %d bytes: error %v, want %v", n, err, disk)
		}
	}
}
