package codec

import (
	"bytes"
	"strings"
	"testing"
)

var datas = []struct {
	name, in string
	want     Data
}{
	{"first $D", "\x00\x00\x00\x00\x00\x00\x0B\x00abc", Data{Payload: []byte("abc")}},
	{"third $D", "\x02\x00\x00\x00\x00\x02\x0B\x00abc", Data{Location: 2, AFFlags: 2, Payload: []byte("abc")}},
	{"$H in one piece", "\x00\x00\x00\x00\x00\x0C\x0A\x00hd", Data{AFFlags: 0x0C, Payload: []byte("hd")}},
	{"all fields", "\xF0\xFF\xFF\xFF\x07\xFF\x09\x00a", Data{0xFFFFFFF0, 7, 255, []byte("a")}},
	{"no payload", "\x00\x00\x00\x00\x00\x00\x08\x00", Data{Payload: []byte{}}},
	{"size less than the body", "\x00\x00\x00\x00\x00\x00\x09\x00abc", Data{Payload: []byte("a")}},
	{"longest", "\x00\x00\x00\x00\x00\x00\xFF\xFF" + strings.Repeat("a", 65527),
		Data{Payload: bytes.Repeat([]byte("a"), 65527)}},
}

func TestParseData(t *testing.T) {
	for _, c := range datas {
		b := []byte(c.in)
		got, err := ParseData(b)
		if err != nil || show(got) != show(c.want) {
			t.Errorf("%s: %.80s, %v; want %.80s", c.name, show(got), err, show(c.want))
		}
		whole := 8 + len(c.want.Payload)
		for i := range whole {
			if got, err := ParseData(b[:i:i]); err == nil {
				t.Fatalf("%s, cut at %d: %.80s", c.name, i, show(got))
			}
		}
	}
}

func TestParseDataBad(t *testing.T) {
	for _, c := range []struct{ name, in, text string }{
		{"empty", "", "0 bytes"},
		{"seven bytes", "\x00\x00\x00\x00\x00\x00\x08", "7 bytes"},
		{"size 0", "\x00\x00\x00\x00\x00\x00\x00\x00", "size 0"},
		{"size without its own header", "\x00\x00\x00\x00\x00\x00\x07\x00abc", "size 7"},
		{"size beyond the body", "\x00\x00\x00\x00\x00\x00\x0C\x00abc", "size 12, allowed are 8 to 11"},
		{"size at its most", "\x00\x00\x00\x00\x00\x00\xFF\xFFabc", "size 65535"},
	} {
		if _, err := ParseData([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v; want an error with %q", c.name, err, c.text)
		}
	}
}

// The examples of the wire: a header of 5600 bytes, the third packet of a stream.
func TestPutDataPrefix(t *testing.T) {
	for _, c := range []struct {
		typ      byte
		location uint32
		flags    uint8
		n        int
		want     string
	}{
		{'H', 0, 0x0C, 5600, "\x24\x48\xE8\x15\x00\x00\x00\x00\x00\x0C\xE8\x15"},
		{'D', 2, 2, 3200, "\x24\x44\x88\x0C\x02\x00\x00\x00\x00\x02\x88\x0C"},
		{'D', 0xFFFFFFFF, 0xFF, 0, "\x24\x44\x08\x00\xFF\xFF\xFF\xFF\x00\xFF\x08\x00"},
		{'M', 1, 4, MaxPayload, "\x24\x4D\xFC\xFF\x01\x00\x00\x00\x00\x04\xFC\xFF"},
	} {
		dst := bytes.Repeat([]byte{0xEE}, PrefixLen+1)
		PutDataPrefix(dst, c.typ, c.location, c.flags, c.n)
		if string(dst) != c.want+"\xEE" {
			t.Errorf("got %x, want %x", dst, c.want)
		}
		f, _, err := ParseFrame(append(dst[:PrefixLen], make([]byte, c.n)...))
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseData(f.Body)
		if err != nil || f.Type != c.typ || d.Location != c.location || d.AFFlags != c.flags || len(d.Payload) != c.n {
			t.Errorf("read back as %c, %d, %d, %d bytes, %v", f.Type, d.Location, d.AFFlags, len(d.Payload), err)
		}
	}
	mustPanic(t, "a payload over the limit", func() { PutDataPrefix(make([]byte, PrefixLen), 'D', 0, 0, MaxPayload+1) })
	mustPanic(t, "a payload below 0", func() { PutDataPrefix(make([]byte, PrefixLen), 'D', 0, 0, -1) })
	mustPanic(t, "too little room", func() { PutDataPrefix(make([]byte, PrefixLen-1), 'D', 0, 0, 1) })
}

func TestAppendHeader(t *testing.T) {
	for _, c := range []struct {
		n     int
		flags []uint8
	}{
		{1, []uint8{0x0C}},
		{MaxPayload, []uint8{0x0C}},
		{MaxPayload + 1, []uint8{0x04, 0x08}},
		{2 * MaxPayload, []uint8{0x04, 0x08}},
		{2*MaxPayload + 1, []uint8{0x04, 0x00, 0x08}},
		{4*MaxPayload - 1, []uint8{0x04, 0x00, 0x00, 0x08}},
	} {
		header := make([]byte, c.n)
		for i := range header {
			header[i] = byte(i * 7)
		}
		out := AppendHeader([]byte("x"), header)[1:]
		var got []byte
		for i, flags := range c.flags {
			f, n, err := ParseFrame(out)
			if err != nil {
				t.Fatalf("%d bytes, fragment %d: %v", c.n, i, err)
			}
			d, err := ParseData(f.Body)
			if err != nil || f.Type != 'H' || d.Location != uint32(i) || d.AFFlags != flags {
				t.Errorf("%d bytes, fragment %d: $%c, location %d, flags %#x, %v; want flags %#x", c.n, i, f.Type, d.Location,
					d.AFFlags, err, flags)
			}
			got, out = append(got, d.Payload...), out[n:]
		}
		if len(out) > 0 || !bytes.Equal(got, header) {
			t.Errorf("%d bytes: %d came back, %d left over", c.n, len(got), len(out))
		}
	}
}

func TestPutDataPrefixAllocs(t *testing.T) {
	dst := make([]byte, PrefixLen)
	if n := testing.AllocsPerRun(10, func() { PutDataPrefix(dst, 'D', 1, 1, 1400) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// checkData checks what must hold for any frame's body.
func checkData(t *testing.T, body []byte) {
	t.Helper()
	d, err := ParseData(body)
	if err != nil {
		if d.Payload != nil {
			t.Errorf("payload %q with %v", d.Payload, err)
		}
		return
	}
	checkAliases(t, body, d)
	if len(d.Payload) > MaxPayload {
		return // more than we may send
	}
	var prefix [PrefixLen]byte
	PutDataPrefix(prefix[:], 'D', d.Location, d.AFFlags, len(d.Payload))
	again, err := ParseData(append(prefix[frameHeader:], d.Payload...))
	again.Incarnation = d.Incarnation
	if err != nil || show(again) != show(d) {
		t.Errorf("got %.80s, %v; want %.80s", show(again), err, show(d))
	}
}
