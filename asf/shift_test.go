package asf

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestShiftTimes(t *testing.T) {
	tests := []struct {
		name  string
		delta uint32
		in    string
		want  string // "" is an error
	}{
		{"single", 1000,
			"82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA",
			"82 00 00 | 00 5D | F8 2A 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 28 37 00 00 | AA"},
		{"backwards", 0xFFFF_FFFF,
			"82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA",
			"82 00 00 | 00 5D | 0F 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 3F 33 00 00 | AA"},
		{"over the end of 32 bits", 0x8000_0000,
			"82 00 00 | 00 5D | 10 27 00 F0 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 80 | AA",
			"82 00 00 | 00 5D | 10 27 00 70 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA"},
		{"single without replicated data", 1,
			"82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 11 22 33 44 00 | AA",
			"82 00 00 | 00 5D | 11 27 00 00 | 28 00 | 82 01 11 22 33 44 00 | AA"},
		{"single, compressed", 1,
			"82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 40 33 00 00 01 28 | 01 AA",
			"82 00 00 | 00 5D | 11 27 00 00 | 28 00 | 82 01 41 33 00 00 01 28 | 01 AA"},
		{"several of each", 1,
			"82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 43 | 82 01 40 33 00 00 01 28 02 | 01 AA | " +
				"01 09 11 11 11 11 00 01 | BB | " +
				"82 02 11 11 11 11 0A 02 00 00 00 41 33 00 00 EE EE 01 | CC",
			"82 00 00 | 01 5D | 11 27 00 00 | 28 00 | 43 | 82 01 41 33 00 00 01 28 02 | 01 AA | " +
				"01 09 11 11 11 11 00 01 | BB | " +
				"82 02 11 11 11 11 0A 02 00 00 00 42 33 00 00 EE EE 01 | CC"},
		{"lengths before the send time", 1,
			"7E 5D | 40 00 00 00 | 11 22 33 44 | 00 00 00 00 | 10 27 00 00 | 28 00 | " +
				"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA",
			"7E 5D | 40 00 00 00 | 11 22 33 44 | 00 00 00 00 | 11 27 00 00 | 28 00 | " +
				"82 01 00 00 00 00 08 05 00 00 00 41 33 00 00 | AA"},
		{"not a packet", 1, "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 02 05 00", ""},
		{"bad second payload", 1, "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 42 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 00 | 82 01", ""},
		{"compressed with its time in a WORD", 1, "82 00 00 | 00 59 | 10 27 00 00 | 28 00 | 82 01 40 33 01 28 | 01 AA", ""},
		{"compressed without a time, behind a good payload", 1, "82 00 00 | 01 51 | 10 27 00 00 | 28 00 | 42 | " +
			"82 01 08 05 00 00 00 40 33 00 00 00 | 82 01 01 28 02 | 01 AA", ""},
	}
	h := testHeader(t, 64, true)
	for _, tt := range tests {
		in := unhex(t, tt.in)
		b := slices.Clone(in)
		err := h.ShiftTimes(b, tt.delta)
		if tt.want == "" {
			if err == nil || !strings.HasPrefix(err.Error(), "packet: ") || !bytes.Equal(b, in) {
				t.Errorf("%s: error %v, bytes %x, want an error and %x", tt.name, err, b, in)
			}
			continue
		}
		if want := unhex(t, tt.want); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s: %x, error %v, want %x", tt.name, b, err, want)
		}
	}
}

// checkShift checks what must hold of any packet that parses: all clocks move together, nothing else does, and back is
// where they were.
func checkShift(t testing.TB, h *Header, in []byte, delta uint32) {
	t.Helper()
	before, err := h.ParsePacket(in)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", in, err)
	}
	b := slices.Clone(in)
	err = h.ShiftTimes(b, delta)
	if (err != nil) != before.narrowTime {
		t.Fatalf("ShiftTimes(%x): %v", in, err)
	}
	if err != nil {
		if !bytes.Equal(b, in) {
			t.Fatalf("ShiftTimes(%x): %v, but now %x", in, err, b)
		}
		return
	}
	after, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("ParsePacket(%x), shifted from %x: %v", b, in, err)
	}
	want := before
	want.SendTime += delta
	want.Earliest += delta
	want.Latest += delta
	if after != want {
		t.Errorf("shifted by %d %x: %+v, want %+v", delta, in, after, want)
	}
	if err := h.ShiftTimes(b, -delta); err != nil || !bytes.Equal(b, in) {
		t.Errorf("shifted by %d and back: %x, error %v, want %x", delta, b, err, in)
	}
}
