package asf

import (
	"bytes"
	"testing"
)

// checkStripped checks that a receiver makes full again of what is pushed, and gives its length.
func checkStripped(t testing.TB, h *Header, full []byte) int {
	t.Helper()
	p, err := h.ParsePacket(full)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", full, err)
	}
	b := h.AppendStripped([]byte("before"), full, p)[len("before"):]
	if len(b) > len(full) {
		t.Errorf("stripped form of %x: %d bytes of %d", full, len(b), len(full))
	}
	if got := appendFull(t, h, b); !bytes.Equal(got, full) {
		t.Errorf("stripped form of %x: %x, of that %x", full, b, got)
	}
	return len(b)
}

func TestAppendStripped(t *testing.T) {
	for _, tt := range packetCases {
		h, in := tt.header(t), unhex(t, tt.in)
		full := appendFull(t, h, in)
		if n := checkStripped(t, h, full); n > len(in) {
			t.Errorf("%s: %d bytes of what came in %d", tt.name, n, len(in))
		}
		p, err := h.ParsePacket(full)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, 0, 2*tt.size)
		if len(h.AppendStripped(nil, full, p)) == len(full) {
			continue // an error says that it cannot be less, and is made for that
		}
		if n := testing.AllocsPerRun(100, func() { h.AppendStripped(dst, full, p) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, n)
		}
	}
}

// What programs have sent loses all of its padding.
func TestStripCaptures(t *testing.T) {
	for _, c := range captures {
		_, h, packets := readCapture(t, c.name)
		for i, b := range packets {
			full := appendFull(t, h, b)
			p, err := h.ParsePacket(full)
			if err != nil {
				t.Fatal(err)
			}
			if n, most := checkStripped(t, h, full), p.end; n > most {
				t.Errorf("%s, packet %d: %d bytes, without padding %d", c.name, i, n, most)
			}
		}
	}
}
