package asf

import (
	"strings"
	"testing"
)

// header is the header that tt's packet belongs to.
func (tt packetCase) header(t testing.TB) *Header { return testHeader(t, tt.size, !tt.audio) }

// orSame returns the bytes of text, in if it is empty.
func orSame(t testing.TB, text string, in []byte) []byte {
	if text == "" {
		return in
	}
	return unhex(t, text)
}

// seen is p as a caller can see it.
func seen(p Packet) Packet {
	p.layout, p.narrowTime = layout{}, false
	return p
}

func TestParsePacket(t *testing.T) {
	for _, tt := range packetCases {
		got, err := tt.header(t).ParsePacket(unhex(t, tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got.Earliest, got.Latest = 0, 0; seen(got) != tt.want { // those are TestPresentationTimes'
			t.Errorf("%s: %+v, want %+v", tt.name, seen(got), tt.want)
		}
	}
}

func TestParsePacketCut(t *testing.T) {
	for _, tt := range packetCases {
		h, in := tt.header(t), unhex(t, tt.in)
		for n := range in {
			_, err := h.ParsePacket(in[:n:n])
			if n < tt.least && err == nil {
				t.Errorf("%s: cut at %d of %d, least %d: no error", tt.name, n, len(in), tt.least)
			}
			if n >= tt.least && err != nil && !tt.odd {
				t.Errorf("%s: cut at %d of %d, least %d: %v", tt.name, n, len(in), tt.least, err)
			}
		}
	}
}

func TestParsePacketBad(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // in the error
	}{
		{"nothing", "", "0 bytes, allowed 11 to 40"},
		{"too short to hold a payload", "00 40 | 10 27 00 00 | 28 00 | 82 | AA", "10 bytes, allowed 11 to 40"},
		{"longer than the packet size", "00 40 | 10 27 00 00 | 28 00 | 82 | AA*32", "41 bytes, allowed 11 to 40"},
		{"error correction of another length type", "A2 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01", "flags 0xa2"},
		{"error correction past the end", "8F 00*10", "ends inside its fields"},
		{"opaque data instead of a packet", "80 | 80 5D | 10 27 00 00 | 28 00 | 82 01 00", "flags 0x80"},
		{"a frame of something else", "FF*40", "flags 0xff"},
		{"fields of DWORDs past the end", "7E 5D | FF*9", "ends inside its fields"},
		{"payload flags past the end", "82 00 00 | 01 5D | 10 27 00 00 | 28 00", "ends inside its fields"},
		{"padding of all bytes", "08 40 | 0C | 10 27 00 00 | 28 00 | 82 AA BB", "padding 12, limit 11"},
		{"padding negative", "18 40 | FF FF FF FF | 10 27 00 00 | 28 00 | 82 AA BB", "padding 4294967295, limit 14"},
		{"padding reaches into the fields", "08 40 | 0B | 10 27 00 00 | 28 00 | 82 AA BB", "end at 1, fields only at 9"},
		{"padding reaches into the payload's head", "08 5D | 0A | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 00 | " +
			"AA*4 | 00", "past the end"},
		{"packet length more than the packet size", "40 40 | 29 00 | 10 27 00 00 | 28 00 | " +
			"82 AA BB", "packet length 41, limit 40"},
		{"packet length negative", "60 40 | FF FF FF FF | 10 27 00 00 | 28 00 | 82 AA BB", "packet length 4294967295"},
		{"packet length 0", "40 40 | 00 00 | 10 27 00 00 | 28 00 | 82 AA BB", "end at 0, fields only at 10"},
		{"packet length ends in the fields", "40 40 | 09 00 | 10 27 00 00 | 28 00 | 82 AA BB", "end at 9, fields only at 10"},
		{"packet length less than padding", "48 40 | 0C 00 | 0D | 10 27 00 00 | 28 00 | " +
			"82 AA BB 00*13", "padding 13, limit 12"},
		{"cut to less than its padding", "48 40 | 28 00 | 12 | 10 27 00 00 | 28 00 | " +
			"82 AA BB", "end at -4, fields only at 11"},
		{"all zeros", "00*40", "property flags 0x00"},
		{"all zeros behind error correction", "82 | 00*39", "property flags 0x00"},
		{"stream numbers of a WORD", "00 9D | 10 27 00 00 | 28 00 | 82 01 | 00*14", "property flags 0x9d"},
		{"stream numbers of a DWORD", "00 DD | 10 27 00 00 | 28 00 | 82 01 | 00*14", "property flags 0xdd"},
		{"single, stream 0", "00 40 | 10 27 00 00 | 28 00 | 00 AA BB", "1 payloads, none of a stream"},
		{"single, a stream that nobody declares", "00 40 | 10 27 00 00 | 28 00 | 87 AA BB", "1 payloads, none of a stream"},
		{"several, none of a declared stream", "01 40 | 10 27 00 00 | 28 00 | 42 | 83 01 AA | " +
			"80 01 BB", "2 payloads, none of a stream"},
		{"no payloads", "01 40 | 10 27 00 00 | 28 00 | 40 | 82 01 AA", "0 payloads"},
		{"several payloads without lengths", "01 40 | 10 27 00 00 | 28 00 | 01 | 82 01 AA", "no length"},
		{"more payloads than there are", "01 40 | 10 27 00 00 | 28 00 | 42 | 82 01 AA", "payload 1: past the end"},
		{"last payload without its length", "01 40 | 10 27 00 00 | 28 00 | 42 | 82 01 AA | 82", "payload 1: past the end"},
		{"payload length past the end", "01 40 | 10 27 00 00 | 28 00 | 41 | 82 02 AA", "payload 0: past the end"},
		{"payload length negative", "01 40 | 10 27 00 00 | 28 00 | C1 | 82 FF FF FF FF AA", "payload 0: past the end"},
		{"payload length that wraps", "01 40 | 10 27 00 00 | 28 00 | C1 | 82 F1 FF FF FF AA", "payload 0: past the end"},
		{"replicated data of 2 bytes", "00 41 | 10 27 00 00 | 28 00 | 82 02 AA BB CC", "replicated data of 2 bytes"},
		{"replicated data of 7 bytes", "00 41 | 10 27 00 00 | 28 00 | 82 07 AA*10", "replicated data of 7 bytes"},
		{"replicated data past the end", "00 41 | 10 27 00 00 | 28 00 | 82 0B AA*10", "past the end"},
		{"replicated data negative", "00 43 | 10 27 00 00 | 28 00 | 82 FF FF FF FF AA*10", "past the end"},
		{"compressed object past the end", "00 41 | 10 27 00 00 | 28 00 | 82 01 28 | " +
			"01 AA 03 BB CC", "compressed object of 3 bytes, 2 left"},
		{"compressed object past its payload", "01 41 | 10 27 00 00 | 28 00 | 42 | 82 01 28 03 | 01 AA 01 | " +
			"82 00 01 BB", "compressed object of 1 bytes, 0 left"},
		{"compressed without a time delta", "00 41 | 10 27 00 00 | 28 00 | " +
			"82 01 | 28 FF", "compressed object of 255 bytes, 0 left"},
	}
	h := testHeader(t, 40, true)
	for _, tt := range tests {
		p, err := h.ParsePacket(unhex(t, tt.in))
		if err == nil {
			t.Errorf("%s: accepted as %+v", tt.name, p)
		} else if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "packet: ") {
			t.Errorf("%s: error %q, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestParsePacketAllocates(t *testing.T) {
	for _, tt := range packetCases {
		h, in := tt.header(t), unhex(t, tt.in)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := h.ParsePacket(in); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, n)
		}
	}
}

func BenchmarkParsePacket(b *testing.B) {
	for _, tt := range packetCases {
		if !strings.HasSuffix(tt.name, ", padded") {
			continue
		}
		b.Run(strings.Fields(tt.name)[0], func(b *testing.B) {
			h, in := tt.header(b), unhex(b, tt.in)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.ParsePacket(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The latest and the earliest of a packet count where one source follows another.
func TestPresentationTimes(t *testing.T) {
	times := map[string][2]uint32{
		"single, stripped":        {13120, 13120},
		"single, compressed":      {13120, 13120},
		"several, padded":         {13112, 13120},
		"single, smallest of all": {10000, 10000}, // it has none but its send time
	}
	for _, tt := range packetCases {
		want, ok := times[tt.name]
		if !ok {
			continue
		}
		delete(times, tt.name)
		got, err := tt.header(t).ParsePacket(unhex(t, tt.in))
		if err != nil || got.Earliest != want[0] || got.Latest != want[1] {
			t.Errorf("%s: shown from %d to %d, %v, want %d to %d", tt.name, got.Earliest, got.Latest, err, want[0], want[1])
		}
	}
	if len(times) > 0 {
		t.Errorf("no such cases: %v", times)
	}
}
