package asf

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAppendTrimmed(t *testing.T) {
	for _, tt := range packetCases {
		t.Run(tt.name, func(t *testing.T) {
			h, in := tt.header(t), unhex(t, tt.in)
			p, err := h.ParsePacket(in)
			if err != nil {
				t.Fatalf("ParsePacket: %v", err)
			}
			want := orSame(t, tt.trimmed, orSame(t, tt.full, in))
			if got := h.AppendTrimmed(nil, in, p); !bytes.Equal(got, want) {
				t.Errorf("trimmed %x\n   want %x", got, want)
			}
			if (p.Older != NoOlder) != (tt.trimmed != "") {
				t.Errorf("older %d, but trimmed %q", p.Older, tt.trimmed)
			}
			checkTrimmed(t, h, in)
		})
	}
}

// Of several versions of one video the first that has a key frame is where viewers start; what lies before it of any of
// them is older, what lies behind it may be needed.
func TestAppendTrimmedTwoVideos(t *testing.T) {
	h, err := ParseHeader(makeHeader(makeLive(makeProperties(60)), makeStream(1, audioMedia, wma),
		makeStream(2, videoMedia, wmv), makeStream(3, videoMedia, wmv)))
	if err != nil {
		t.Fatalf("ParseHeader: %v", err)
	}
	in := unhex(t, "01 40 | 10 27 00 00 | 28 00 | 47 | 02 01 A1 | 01 01 B1 | 03 01 A2 | 04 01 E1 | 83 01 C1 | "+
		"02 01 D1 | 82 01 C2")
	want := unhex(t, "09 40 | 23 | 10 27 00 00 | 28 00 | 45 | 01 01 B1 | 04 01 E1 | 83 01 C1 | 02 01 D1 | "+
		"82 01 C2 | 00*35")
	p, err := h.ParsePacket(in)
	if err != nil || p.Older != OlderFrame {
		t.Fatalf("ParsePacket: %+v, error %v, want older %d", p, err, OlderFrame)
	}
	if got := h.AppendTrimmed(nil, in, p); !bytes.Equal(got, want) {
		t.Errorf("trimmed %x\n   want %x", got, want)
	}
	checkTrimmed(t, h, in)
}

func TestRandomTrimmed(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var found [OlderFrame + 1]int
	for range 10_000 {
		g := randomPacket(r)
		found[checkTrimmed(t, g.header(t), g.b)]++
		if t.Failed() {
			return
		}
	}
	if slices.Min(found[:]) < 100 {
		t.Errorf("only %d packets with each kind of older video", found)
	}
}

// checkTrimmed checks what must hold of any packet that parses: Older tells the truth, and trimmed it is a full packet
// that differs in nothing but the older video. It returns what there was of that.
func checkTrimmed(t testing.TB, h *Header, in []byte) Older {
	t.Helper()
	before, err := h.ParsePacket(in)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", in, err)
	}
	payloads, older := expectTrimmed(t, h, in)
	if before.Older != older {
		t.Errorf("%x: older %d, want %d", in, before.Older, older)
	}

	kept := bytes.Clone(in)
	dst := h.AppendTrimmed([]byte("before"), in, before)
	if !bytes.Equal(in, kept) || !bytes.HasPrefix(dst, []byte("before")) {
		t.Errorf("trimmed %x: now %x, behind %q", kept, in, dst[:len("before")])
	}
	b := dst[len("before"):]
	if len(b) != h.PacketSize {
		t.Fatalf("trimmed %x: %d bytes, want %d", in, len(b), h.PacketSize)
	}
	if full := h.AppendFull(nil, in, before); older == NoOlder && !bytes.Equal(b, full) {
		t.Errorf("trimmed %x: %x, want the full form %x", in, b, full)
	}
	after, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("trimmed %x: %x: %v", in, b, err)
	}
	want := seen(before)
	want.Older, want.Payloads, want.Padding = NoOlder, len(payloads), after.Padding
	want.Earliest, want.Latest = after.Earliest, after.Latest // the older video may have had them
	if seen(after) != want {
		t.Errorf("trimmed %x: %+v, want %+v", in, seen(after), want)
	}
	if got := payloadsOf(t, h, b); !slices.Equal(got, payloads) {
		t.Errorf("trimmed %x: %x with payloads %q, want %q", in, b, got, payloads)
	}
	if older != NoOlder {
		checkForms(t, h, b)
	}
	return older
}

// expectTrimmed lists the payloads that trimming leaves, and says what goes: the other way round than AppendTrimmed
// finds out, from the key frame backwards.
func expectTrimmed(t testing.TB, h *Header, b []byte) (left []string, older Older) {
	t.Helper()
	p, err := h.ParsePacket(b)
	if err != nil {
		t.Fatalf("ParsePacket(%x): %v", b, err)
	}
	var payloads []payload
	for w := p.walk(b); len(payloads) < p.Payloads; {
		l, err := w.next()
		if err != nil {
			t.Fatalf("walk(%x): %v", b, err)
		}
		payloads = append(payloads, l)
	}
	isVideo := func(l payload) bool {
		return slices.ContainsFunc(h.Streams, func(s Stream) bool { return s.Number == l.stream && s.Kind == Video })
	}
	left = payloadsOf(t, h, b)
	key := slices.IndexFunc(payloads, func(l payload) bool { return isVideo(l) && l.key && l.offset == 0 })
	for i := key - 1; i >= 0; i-- {
		switch l := payloads[i]; {
		case !isVideo(l):
			continue
		case l.offset == 0:
			older = OlderFrame
		case older == NoOlder:
			older = OlderTail
		}
		left = slices.Delete(left, i, i+1)
	}
	return left, older
}
