package asf

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAppendFullAndShort(t *testing.T) {
	for _, tt := range packetCases {
		t.Run(tt.name, func(t *testing.T) {
			h, in := tt.header(t), unhex(t, tt.in)
			p, err := h.ParsePacket(in)
			if err != nil {
				t.Fatalf("ParsePacket: %v", err)
			}
			if got, want := h.AppendFull(nil, in, p), orSame(t, tt.full, in); !bytes.Equal(got, want) {
				t.Errorf("full  %x\n want %x", got, want)
			}
			if got, want := h.AppendShort(nil, in, p), orSame(t, tt.short, in); !bytes.Equal(got, want) {
				t.Errorf("short %x\n want %x", got, want)
			}
			checkForms(t, h, in)
		})
	}
}

// checkForms checks what must hold of the two forms of any packet that parses.
func checkForms(t testing.TB, h *Header, in []byte) {
	t.Helper()
	p, err := h.ParsePacket(in)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", in, err)
	}
	payloads := payloadsOf(t, h, in)
	full := h.AppendFull([]byte("before"), in, p)[len("before"):]
	short := h.AppendShort([]byte("before"), in, p)[len("before"):]
	if len(full) != h.PacketSize {
		t.Fatalf("full form of %x: %d bytes, want %d", in, len(full), h.PacketSize)
	}
	if len(short) > len(full) {
		t.Fatalf("short form of %x: %d bytes, full form %d", in, len(short), len(full))
	}
	for _, form := range []struct {
		name string
		b    []byte
	}{
		{"full form", full},
		{"short form", short},
		{"short form filled up by a player", appendZeros(slices.Clone(short), len(full)-len(short))},
		{"full form of the short one", appendFull(t, h, short)},
		{"short form of the full one", appendShort(t, h, full)},
	} {
		got, err := h.ParsePacket(form.b)
		if err != nil {
			t.Fatalf("%s of %x: %x: %v", form.name, in, form.b, err)
		}
		want := seen(p)
		want.Padding = got.Padding
		if seen(got) != want {
			t.Errorf("%s of %x: %+v, want %+v", form.name, in, seen(got), want)
		}
		if got := payloadsOf(t, h, form.b); !slices.Equal(got, payloads) {
			t.Errorf("%s of %x: %x with payloads %q, want %q", form.name, in, form.b, got, payloads)
		}
	}
	if again := appendFull(t, h, full); !bytes.Equal(again, full) {
		t.Errorf("full form of %x: %x, of that %x", in, full, again)
	}
	checkStripped(t, h, full)
	if again := appendShort(t, h, short); !bytes.Equal(again, short) {
		t.Errorf("short form of %x: %x, of that %x", in, short, again)
	}
}

func appendFull(t testing.TB, h *Header, b []byte) []byte {
	t.Helper()
	p, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", b, err)
	}
	return h.AppendFull(nil, b, p)
}

func appendShort(t testing.TB, h *Header, b []byte) []byte {
	t.Helper()
	p, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", b, err)
	}
	return h.AppendShort(nil, b, p)
}

// Several payloads in a packet that says truly what is padding: its short form turns back into the very same bytes.
func TestShortAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for range 5_000 {
		g := randomPacket(r)
		if !g.multiple || !g.exact {
			continue
		}
		checked++
		if got := appendFull(t, g.header(t), appendShort(t, g.header(t), g.b)); !bytes.Equal(got, g.b) {
			t.Fatalf("%x and back %x", g.b, got)
		}
	}
	if checked < 300 {
		t.Errorf("only %d packets to check", checked)
	}
}

func TestRandomPackets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3_000 {
		g := randomPacket(r)
		h := g.header(t)
		if got := payloadsOf(t, h, g.b); !slices.Equal(got, g.payloads) {
			t.Fatalf("%x: payloads %q, want %q", g.b, got, g.payloads)
		}
		checkForms(t, h, g.b)
		checkShift(t, h, g.b, r.Uint32())
		if t.Failed() {
			return
		}
	}
}

func TestFormsAllocate(t *testing.T) {
	for _, tt := range packetCases {
		h, in := tt.header(t), unhex(t, tt.in)
		p, err := h.ParsePacket(in)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		dst := make([]byte, 0, 2*tt.size)
		if n := testing.AllocsPerRun(100, func() { h.AppendShort(h.AppendFull(dst, in, p), in, p) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, n)
		}
	}
}
