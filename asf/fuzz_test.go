package asf

import (
	"bytes"
	"reflect"
	"testing"
)

func FuzzHeader(f *testing.F) {
	for _, tt := range headerCases() {
		f.Add(tt.in)
		f.Add(tt.in[:len(tt.in)-dataHead])
	}
	for _, c := range captures {
		_, h, _ := readCapture(f, c.name)
		f.Add(h.Raw)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := ParseHeader(in)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(h.Raw, in) || len(h.Raw) > len(in)+dataHead {
			t.Fatalf("Raw %x of %x", h.Raw, in)
		}
		if h.PacketSize < minPacketSize || h.PacketSize > maxPacketSize || len(h.Streams) == 0 || len(h.Streams) > maxStream {
			t.Fatalf("packet size %d, %d streams", h.PacketSize, len(h.Streams))
		}
		again, err := ParseHeader(h.Raw)
		if err != nil || !reflect.DeepEqual(h, again) || !h.Same(again) {
			t.Fatalf("%+v parsed again: %+v, error %v", h, again, err)
		}
		p := h.Published()
		again, err = ParseHeader(p.Raw)
		if err != nil || !reflect.DeepEqual(p, again) || len(p.Raw) != len(h.Raw) || !p.Broadcast {
			t.Fatalf("published %+v parsed again: %+v, error %v", p, again, err)
		}
	})
}

func FuzzPacket(f *testing.F) {
	for _, tt := range packetCases {
		f.Add(unhex(f, tt.in), uint16(tt.size), !tt.audio, uint32(1000))
	}
	for _, c := range captures {
		_, h, packets := readCapture(f, c.name)
		for _, b := range packets[:2] {
			f.Add(b, uint16(h.PacketSize), h.HasVideo(), uint32(1<<31))
		}
	}
	var plain, video = testHeader(f, 32, false), testHeader(f, 32, true)
	f.Fuzz(func(t *testing.T, in []byte, size uint16, hasVideo bool, delta uint32) {
		h := *plain
		if hasVideo {
			h = *video
		}
		h.PacketSize = min(max(int(size), minPacketSize), maxPacketSize)
		if _, err := h.ParsePacket(in); err != nil {
			return
		}
		checkForms(t, &h, in)
		checkShift(t, &h, in, delta)
		checkTrimmed(t, &h, in)
	})
}

func FuzzFile(f *testing.F) {
	// Small ones: the fuzzer spends its time on making large finds smaller.
	head := makeHeaderObject(makeProperties(32), makeStream(1, audioMedia, nil))
	live := makeHeaderObject(makeLive(makeProperties(32)), makeStream(1, audioMedia, nil))
	index := makeObject(simpleIndex, fill(0, 32))
	f.Add(join(head, makeDataHead(dataHead+64, 2), fill(0x82, 64), index))
	f.Add(join(head, makeDataHead(0, 0), fill(0x82, 50)))
	f.Add(join(live, makeDataHead(12345, 0), fill(0x82, 64), index))
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 500
		h, packets, err := ReadFile(bytes.NewReader(in), limit)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(in, h.Raw) || len(packets) == 0 {
			t.Fatalf("header %x, %d packets", h.Raw, len(packets))
		}
		all := append([]byte(nil), h.Raw...)
		for _, b := range packets {
			if len(b) != h.PacketSize {
				t.Fatalf("packet of %d bytes, want %d", len(b), h.PacketSize)
			}
			all = append(all, b...)
		}
		if len(all) > limit || !bytes.HasPrefix(in, all) {
			t.Fatalf("%d bytes of header and packets, limit %d: %x", len(all), limit, all)
		}
	})
}
