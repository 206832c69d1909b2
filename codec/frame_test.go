package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// pair is a packet pair with its three lying frames, as a server sends it whose response head is r bytes long.
func pair(r int) string {
	var b []byte
	for _, f := range []struct{ length, random int }{{504, 504 - r}, {504, 504}, {1048, 1048 + r}} {
		b = append(b, '$', 'P')
		b = binary.LittleEndian.AppendUint16(b, uint16(f.length))
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
		b = append(b, bytes.Repeat([]byte{0xAA}, f.random)...)
	}
	return string(b)
}

var frames = []struct {
	name, in string
	typ      byte
	more     bool
	body     string
}{
	{"$H of both dialects", "$H\x03\x00abc", 'H', false, "abc"},
	{"$D with B", "\xA4D\x03\x00abc", 'D', true, "abc"},
	{"$C of a viewer", "$C\x04\x00\x00\x00\x00\x00", 'C', false, "\x00\x00\x00\x00"},
	{"$C of a push", "$C\x06\x00\x00\x00\x00\x00hd", 'C', false, "\x00\x00\x00\x00hd"},
	{"$E", "$E\x04\x00\x01\x00\x00\x00", 'E', false, "\x01\x00\x00\x00"},
	{"$E of a pusher in C", "$E\x00\x00", 'E', false, ""},
	{"$E of FFmpeg and VLC", "$E\x08\x00\x07\x00\x00\x00\x00\x00\x08\x00", 'E', false, "\x07\x00\x00\x00\x00\x00\x08\x00"},
	{"$T", "$T\x00\x00", 'T', false, ""},
	{"$F of nothing", "$F\x00\x00", 'F', false, ""},
	{"a type nobody knows", "$\xFF\x01\x00a", 0xFF, false, "a"},
	{"longest", "$F\xFF\xFF" + strings.Repeat("f", 65535), 'F', false, strings.Repeat("f", 65535)},

	{"packet pair", pair(300), 'P', false, pair(300)[4:]},
	{"packet pair of the longest head", pair(504), 'P', false, pair(504)[4:]},
	{"packet pair of no head", pair(0), 'P', false, pair(0)[4:]},
	{"third of a pair alone", pair(300)[212+512:], 'P', false, pair(300)[212+512+4:]},
	{"$P that is none of a pair", "$P\x03\x00abc", 'P', false, "abc"},
	{"$P too short for a reason", "$P\x00\x00", 'P', false, ""},
	{"$P with a reason that cannot be", "$P\xF8\x01\xF9\x01\x00\x00" + strings.Repeat("a", 500), 'P', false,
		"\xF9\x01\x00\x00" + strings.Repeat("a", 500)},
}

func TestParseFrame(t *testing.T) {
	for _, c := range frames {
		t.Run(c.name, func(t *testing.T) {
			for _, tail := range []string{"", "$", "POST / HTTP/1.1"} {
				b := []byte(c.in + tail)
				f, n, err := ParseFrame(b)
				if err != nil || n != len(c.in) || f.Type != c.typ || f.More != c.more || string(f.Body) != c.body {
					t.Fatalf("tail %q: n %d of %d, %v, type %q, more %t, body %.40q", tail, n, len(c.in), err, f.Type, f.More, f.Body)
				}
				checkAliases(t, b[:n], f)
			}
			b := []byte(c.in)
			for i := range b {
				if _, n, err := ParseFrame(b[:i:i]); n != 0 || err != ErrShort {
					t.Fatalf("cut at %d: n %d, %v; want 0, ErrShort", i, n, err)
				}
			}
		})
	}
}

// TestPairSizes checks the sums: whatever the head, the three together are as long as specified, and they and the head
// fill 512, 512 and 1056 + R bytes.
func TestPairSizes(t *testing.T) {
	for r := range 505 {
		in := pair(r)
		if len(in) != 2080 || in[512-r] != '$' || in[1024-r] != '$' {
			t.Fatalf("R %d: %d bytes", r, len(in))
		}
		if _, n, err := ParseFrame([]byte(in + "$H")); n != 2080 || err != nil {
			t.Fatalf("R %d: n %d, %v; want 2080", r, n, err)
		}
	}
}

var badFrames = []struct{ name, in string }{
	{"request on the same connection", "POST / HTTP/1.1\r\n"},
	{"zero", "\x00"},
	{"B without $", "\x80H\x00\x00"},
	{"# for $", "#H\x00\x00"},
	{"low bit of $ flipped", "\x25H\x00\x00"},
	{"a pair whose second is missing", pair(300)[:212] + "$H\x00\x00"},
	{"a pair whose second is a third", pair(300)[:212] + pair(300)[212+512:]},
	{"a pair whose third is missing", pair(300)[:212+512] + "$H\x00\x00"},
	{"a pair whose third is a second", pair(300)[:212+512] + pair(300)[212:]},
}

func TestParseFrameBad(t *testing.T) {
	for _, c := range badFrames {
		if f, n, err := ParseFrame([]byte(c.in)); n != 0 || !errors.Is(err, ErrDesync) || f.Body != nil {
			t.Errorf("%s: n %d, %v; want 0, ErrDesync", c.name, n, err)
		}
	}
}

func TestReason(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     uint32
		bad      string // in the error
	}{
		{"end", "$E\x04\x00\x00\x00\x00\x00", 0, ""},
		{"entry ended", "$E\x04\x00\x01\x00\x00\x00", 1, ""},
		{"error", "$E\x04\x00\x09\x2F\x0D\x80", 0x800D2F09, ""},
		{"a counter of 1 is a plain end", "$E\x08\x00\x01\x00\x00\x00\x00\x00\x08\x00", 0, ""},
		{"$E of 5 bytes", "$E\x05\x00\x01\x00\x00\x00\x00", 0, ""},
		{"change", "$C\x04\x00\x00\x00\x00\x00", 0, ""},
		{"change backwards", "$C\x04\x00\xBE\x14\x0D\x40", 0x400D14BE, ""},
		{"change with a header", "$C\x05\x00\x02\x00\x00\x00h", 2, ""},
		{"$E of a pusher in C", "$E\x00\x00", 0, ""},
		{"three bytes of $E", "$E\x03\x00\x00\x00\x00", 0, "3 bytes"},
		{"empty", "$C\x00\x00", 0, "0 bytes"},
		{"three bytes", "$C\x03\x00\x00\x00\x00", 0, "3 bytes"},
		{"no such thing in a $D", "$D\x04\x00\x00\x00\x00\x00", 0, "'D'"},
	} {
		f, _, err := ParseFrame([]byte(c.in))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := f.Reason()
		if got != c.want || (err == nil) != (c.bad == "") {
			t.Errorf("%s: %#x, %v; want %#x", c.name, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: %v; want %q in it", c.name, err, c.bad)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	for _, c := range frames {
		if c.more || c.typ == 'P' {
			continue // what we never send
		}
		if got := AppendFrame([]byte("x"), c.typ, []byte(c.body)); string(got) != "x"+c.in {
			t.Errorf("%s: got %.40q, want %.40q", c.name, got, c.in)
		}
	}
	if got, want := string(AppendReason([]byte("x"), 'E', 0x80070005)), "x$E\x04\x00\x05\x00\x07\x80"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	mustPanic(t, "a body of 64 KB", func() { AppendFrame(nil, 'F', make([]byte, 65536)) })
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

// FuzzFrame reads a body in both dialects: as frames, and what is in them as the data headers of MMSH.
func FuzzFrame(f *testing.F) {
	for _, c := range frames {
		addSeed(f, []byte(c.in))
	}
	for _, c := range badFrames {
		addSeed(f, []byte(c.in))
	}
	for _, c := range datas {
		addSeed(f, AppendFrame(nil, 'D', []byte(c.in)))
	}
	for _, c := range streamCaptures {
		b := readCaptures(f, c.dir)[c.name]
		body := b[headLen(b):]
		addSeed(f, body[:min(len(body), 1024)])
		addSeed(f, body[len(body)-min(len(body), 256):])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			f, n, err := ParseFrame(b)
			if err != nil {
				if n != 0 || f.Body != nil || err != ErrShort && !errors.Is(err, ErrDesync) {
					t.Fatalf("n %d, body %q, %v", n, f.Body, err)
				}
				if err == ErrShort {
					checkPrefixes(t, b, func(b []byte) error { _, _, err := ParseFrame(b); return err })
				}
				return
			}
			if n < 4 || n > len(b) {
				t.Fatalf("n %d of %d bytes", n, len(b))
			}
			checkFrame(t, f, b[:n:n])
			b = b[n:]
		}
	})
}

func checkFrame(t *testing.T, f Frame, b []byte) {
	t.Helper()
	checkAliases(t, b, f)
	again, n, err := ParseFrame(b)
	if n != len(b) || err != nil || again.Type != f.Type || again.More != f.More || !bytes.Equal(again.Body, f.Body) {
		t.Errorf("again: %v, n %d, %v; want %v, n %d", again, n, err, f, len(b))
	}
	checkPrefixes(t, b, func(b []byte) error { _, _, err := ParseFrame(b); return err })
	if f.Type != 'P' {
		if got := AppendFrame(nil, f.Type, f.Body); !bytes.Equal(got[1:], b[1:]) {
			t.Errorf("printed %.40q, parsed %.40q", got, b)
		}
	}
	if reason, err := f.Reason(); err == nil && reason == 1 && f.Type == 'E' && len(f.Body) != 4 {
		t.Errorf("$E of %d bytes announces more", len(f.Body))
	}
	checkData(t, f.Body)
}
