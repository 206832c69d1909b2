package push

import (
	"bytes"
	"testing"
	"time"

	"pumpd/bench/probe"
	"pumpd/bench/source"
)

// Stripped packets have no padding and no field for it, and asf finds the same media in them.
func TestStripSynth(t *testing.T) {
	for _, opt := range []source.Options{
		{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1},
		{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 4},
		{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 4, Padding: 300},
		{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1, Padding: 1},
		{Bitrate: 64e3, Packet: 300, GOP: 100 * time.Millisecond, Payloads: 1, Padding: 100},
	} {
		s := mustSynthetic(t, opt)
		full := s.Take()
		short := appendStripped(nil, full)
		want := len(full)
		if opt.Padding > 0 {
			want -= opt.Padding + 2 // its length is a WORD
		}
		if len(short) != want {
			t.Errorf("%+v: %d bytes, want %d", opt, len(short), want)
		}
		if p, err := s.Header().ParsePacket(short); err != nil || p.Padding != 0 || p.Payloads != opt.Payloads {
			t.Errorf("%+v: %+v, %v", opt, p, err)
		}
		if p, err := probe.InPacket(short); err != nil || p.Number != 0 {
			t.Errorf("%+v: probe %+v, %v", opt, p, err)
		}
	}
}

func TestStripFields(t *testing.T) {
	const tail = "\x10\x27\x00\x00\x28\x00" + "\x82\x01\x00\x00\x00\x00\x00" + "MEDIA"
	for _, c := range []struct{ name, full, want string }{
		{"none", "\x82\x00\x00\x00\x5D" + tail, "\x82\x00\x00\x00\x5D" + tail},
		{"byte", "\x82\x00\x00\x08\x5D\x03" + tail + "\x00\x00\x00", "\x82\x00\x00\x00\x5D" + tail},
		{"byte of 0", "\x82\x00\x00\x08\x5D\x00" + tail, "\x82\x00\x00\x00\x5D" + tail},
		{"word", "\x82\x00\x00\x10\x5D\x02\x00" + tail + "\x00\x00", "\x82\x00\x00\x00\x5D" + tail},
		{"dword, no error correction", "\x18\x5D\x01\x00\x00\x00" + tail + "\x00", "\x00\x5D" + tail},
		{"packet length", "\x82\x00\x00\x28\x5D\x1C\x03" + tail + "\x00\x00\x00", "\x82\x00\x00\x20\x5D\x18" + tail},
		{
			"packet length ends before the bytes do", "\x82\x00\x00\x28\x5D\x1B\x02" + tail + "\x00\x00\x00",
			"\x82\x00\x00\x20\x5D\x18" + tail,
		},
		{"sequence", "\x82\x00\x00\x0A\x5D\x77\x01" + tail + "\x00", "\x82\x00\x00\x02\x5D\x77" + tail},
	} {
		if got := appendStripped([]byte("x"), []byte(c.full)); !bytes.Equal(got, []byte("x"+c.want)) {
			t.Errorf("%s: got %q, want %q", c.name, got[1:], c.want)
		}
	}
}
