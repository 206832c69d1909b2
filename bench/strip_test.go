package main

import (
	"bytes"
	"testing"
	"time"
)

// Stripped packets have no padding and no field for it, and asf finds the same media in them.
func TestStripSynth(t *testing.T) {
	for _, opt := range synthCases {
		s := mustSynth(t, opt)
		full := s.take()
		short := appendStripped(nil, full)
		want := len(full)
		if opt.padding > 0 {
			want -= opt.padding + paddingField
		}
		if len(short) != want {
			t.Errorf("%+v: %d bytes, want %d", opt, len(short), want)
		}
		if p, err := s.head.ParsePacket(short); err != nil || p.Padding != 0 || p.Payloads != opt.payloads {
			t.Errorf("%+v: %+v, %v", opt, p, err)
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
		{"packet length ends before the bytes do", "\x82\x00\x00\x28\x5D\x1B\x02" + tail + "\x00\x00\x00", "\x82\x00\x00\x20\x5D\x18" + tail},
		{"sequence", "\x82\x00\x00\x0A\x5D\x77\x01" + tail + "\x00", "\x82\x00\x00\x02\x5D\x77" + tail},
	} {
		if got := appendStripped([]byte("x"), []byte(c.full)); !bytes.Equal(got, []byte("x"+c.want)) {
			t.Errorf("%s: got %q, want %q", c.name, got[1:], c.want)
		}
	}
}

// A looped file goes on in time where it ended.
func TestFileLoops(t *testing.T) {
	s := mustSynth(t, synthOptions{bitrate: 800e3, packet: 1000, gop: time.Second, payloads: 1})
	s.offset = time.Hour // send times of files need not start at 0
	f := &fileSource{head: s.head, loop: true}
	for range 5 {
		f.packets = append(f.packets, append([]byte(nil), s.take()...))
	}
	if err := f.readTimes(); err != nil {
		t.Fatal(err)
	}
	for i := range 23 {
		at, ok := f.due()
		p, err := f.head.ParsePacket(f.take())
		want := time.Duration(i) * 10 * time.Millisecond
		if !ok || err != nil || at != want || time.Duration(p.SendTime)*time.Millisecond != time.Hour+want {
			t.Errorf("packet %d: due %s, send time %d ms, %v, want %s", i, at, p.SendTime, err, want)
		}
	}
	f.loop, f.next = false, len(f.packets)
	if _, ok := f.due(); ok {
		t.Error("goes on without -loop")
	}
}
