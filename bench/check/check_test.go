package check

import (
	"bytes"
	"encoding/binary"
	"maps"
	"testing"
	"time"

	"pumpd/asf"
	"pumpd/bench/probe"
	"pumpd/bench/source"
	"pumpd/codec"
)

// script builds the stream one viewer gets, with mistakes.
type script struct {
	head    *asf.Header
	packets [][]byte // of the source
	joins   []bool   // which of them start a key frame
	at      int      // the next of them
	b       []byte
	next    uint32
	flags   uint8
}

func newScript(t testing.TB) *script {
	src := mustSynthetic(t, source.Options{Bitrate: 400e3, Packet: 400, GOP: 100 * time.Millisecond, Payloads: 1})
	s := &script{head: src.Header()}
	for range 1000 {
		b := bytes.Clone(src.Take())
		p, err := s.head.ParsePacket(b)
		if err != nil {
			t.Fatal(err)
		}
		s.packets, s.joins = append(s.packets, b), append(s.joins, p.Join)
	}
	return s
}

func (s *script) header() *script {
	s.b = codec.AppendHeader(s.b, s.head.Raw)
	return s
}

// take is the next packet of the source.
func (s *script) take() []byte {
	s.at++
	return s.packets[s.at-1]
}

// data appends n good $D.
func (s *script) data(n int) *script {
	for range n {
		s.frame(s.next, s.flags, s.take())
	}
	return s
}

func (s *script) frame(location uint32, flags uint8, packet []byte) {
	at := len(s.b)
	s.b = append(s.b, make([]byte, codec.PrefixLen)...)
	codec.PutDataPrefix(s.b[at:], 'D', location, flags, len(packet))
	s.b = append(s.b, packet...)
	s.next, s.flags = location+1, flags+1
}

// lose takes n packets off the source that this viewer never gets.
func (s *script) lose(n int) *script {
	s.at += n
	return s
}

// skip loses packets up to the next key frame and says so by the LocationId.
func (s *script) skip() *script {
	before := s.at
	for s.at++; !s.joins[s.at]; s.at++ {
	}
	s.next += uint32(s.at - before)
	return s
}

func (s *script) raw(b string) *script {
	s.b = append(s.b, b...)
	return s
}

func (s *script) end(reason uint32) *script {
	s.b = codec.AppendReason(s.b, 'E', reason)
	return s
}

var mmshCases = []struct {
	name    string
	build   func(s *script) *script
	lenient bool
	want    map[string]int64
	packets int64
}{
	{
		name: "good, beyond all counters", build: func(s *script) *script { return s.header().data(600).end(0) },
		packets: 600,
	},
	{
		name: "cut anywhere", build: func(s *script) *script { s.header().data(3); s.b = s.b[:len(s.b)-10]; return s },
		packets: 2,
	},
	{
		name: "gap behind the server's back", build: func(s *script) *script { return s.header().data(5).lose(1).data(5) },
		want: map[string]int64{"gap": 1}, packets: 10,
	},
	{name: "doubled packet", build: func(s *script) *script {
		s.header().data(5)
		s.at--
		return s.data(5)
	}, want: map[string]int64{"gap": 1}, packets: 10},
	{
		name: "LocationId from 1", build: func(s *script) *script { s.header().next = 1; return s.data(5) },
		want: map[string]int64{"location_id": 1}, packets: 5,
	},
	{
		name: "LocationId stands still", build: func(s *script) *script { s.header().data(3).next--; return s.data(3) },
		want: map[string]int64{"location_id": 1}, packets: 6,
	},
	{
		name: "AFFlags from 7", build: func(s *script) *script { s.header().flags = 7; return s.data(5) },
		want: map[string]int64{"af_flags": 1}, packets: 5,
	},
	{
		name: "AFFlags jump", build: func(s *script) *script { s.header().data(3).flags++; return s.data(3) },
		want: map[string]int64{"af_flags": 1}, packets: 6,
	},
	{
		name: "starts beside the key frame", build: func(s *script) *script { return s.header().lose(1).data(5) },
		want: map[string]int64{"key_start": 1}, packets: 5,
	},
	{
		name: "skip", build: func(s *script) *script { return s.header().data(5).skip().data(5) },
		want: map[string]int64{"location_id": 1, "gap": 1}, packets: 10,
	},
	{
		name: "skip of a slow viewer", lenient: true,
		build: func(s *script) *script { return s.header().data(5).skip().data(5) }, packets: 10,
	},
	{
		name: "skip of a slow viewer to no key frame", lenient: true,
		build: func(s *script) *script { s.header().data(5).lose(2).next += 2; return s.data(3) },
		want:  map[string]int64{"key_start": 1}, packets: 8,
	},
	{
		name: "slow viewer, gap without a jump", lenient: true,
		build: func(s *script) *script { return s.header().data(5).lose(1).data(5) }, want: map[string]int64{"gap": 1},
		packets: 10,
	},
	{
		name: "slow viewer, AFFlags jump too", lenient: true,
		build: func(s *script) *script { s.header().data(5).skip().flags++; return s.data(5) },
		want:  map[string]int64{"af_flags": 1}, packets: 10,
	},
	{name: "damaged payload", build: func(s *script) *script {
		s.header().data(3)
		s.b[len(s.b)-5] ^= 0x40
		return s.data(3)
	}, want: map[string]int64{"content": 1}, packets: 6},
	{name: "damaged packet head", build: func(s *script) *script {
		s.header().data(3)
		s.b[len(s.b)-400+3] |= 0x80
		return s.data(3)
	}, want: map[string]int64{"packet": 1}, packets: 6},
	{
		name: "desync", build: func(s *script) *script { return s.header().data(3).raw("x").data(3) },
		want: map[string]int64{"framing": 1}, packets: 3,
	},
	{
		name: "B bit", build: func(s *script) *script { return s.header().data(3).raw("\xA4D\x08\x00") },
		want: map[string]int64{"framing": 1}, packets: 3,
	},
	{name: "PacketSize is not the length", build: func(s *script) *script {
		s.header().data(3)
		s.b[len(s.b)-400-2]++
		return s.data(3)
	}, want: map[string]int64{"framing": 1}, packets: 2},
	{
		name: "$H of nothing", build: func(s *script) *script { return s.raw("$H\x00\x000") },
		want: map[string]int64{"framing": 1},
	},
	{name: "$D longer than VLC takes", build: func(s *script) *script {
		return s.header().raw("$D\xFD\xFF\x00\x00\x00\x00\x00\x00\xFD\xFF" + string(make([]byte, 65525)))
	}, want: map[string]int64{"framing": 1}},
	{
		name: "$F to a viewer", build: func(s *script) *script { return s.header().data(3).raw("$F\x02\x00xx") },
		want: map[string]int64{"framing": 1}, packets: 3,
	},
	{
		name:  "$E of 8 bytes",
		build: func(s *script) *script { return s.header().data(3).raw("$E\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00") },
		want:  map[string]int64{"framing": 1}, packets: 3,
	},
	{name: "$D before $H", build: func(s *script) *script { return s.data(1) }, want: map[string]int64{"framing": 1}},
	{name: "$E before $H", build: func(s *script) *script { return s.end(0) }, want: map[string]int64{"framing": 1}},
	{
		name: "$D after $E", build: func(s *script) *script { return s.header().data(3).end(0).data(1) },
		want: map[string]int64{"framing": 1}, packets: 3,
	},
	{
		name: "$H again", build: func(s *script) *script { return s.header().data(3).header() },
		want: map[string]int64{"framing": 1}, packets: 3,
	},
	{name: "change by $C", build: func(s *script) *script {
		s.header().data(3).raw("$C\x04\x00\x00\x00\x00\x00").header().skip().next = 0
		return s.data(3)
	}, packets: 6},
	{name: "change by $E(1) $C, AFFlags begin again", build: func(s *script) *script {
		s.header().data(3).end(1).raw("$C\x04\x00\x00\x00\x00\x00").header().skip()
		s.next, s.flags = 0, 0
		return s.data(3)
	}, want: map[string]int64{"af_flags": 1}, packets: 6},
	{
		name:  "header of nonsense",
		build: func(s *script) *script { return s.raw("$H\x0c\x00\x00\x00\x00\x00\x00\x0c\x0c\x00abcd") },
		want:  map[string]int64{"header": 1},
	},
	{
		name: "header's AFFlags 0", build: func(s *script) *script { s.header().b[9] = 0; return s },
		want: map[string]int64{"framing": 1},
	},
	{name: "header in three parts", build: func(s *script) *script {
		h := s.head.Raw
		s.fragment(h[:10], 0, 0x04).fragment(h[10:20], 1, 0x00).fragment(h[20:], 2, 0x08)
		return s.data(3)
	}, packets: 3},
}

func (s *script) fragment(b []byte, location uint32, flags uint8) *script {
	at := len(s.b)
	s.b = append(s.b, make([]byte, codec.PrefixLen)...)
	codec.PutDataPrefix(s.b[at:], 'H', location, flags, len(b))
	s.b = append(s.b, b...)
	return s
}

// Each case is fed whole, byte by byte and in odd pieces; the Findings must be the same.
func TestCheckMMSH(t *testing.T) {
	for _, c := range mmshCases {
		t.Run(c.name, func(t *testing.T) {
			stream := c.build(newScript(t)).b
			for _, size := range []int{len(stream), 1, 13, 1000} {
				got := checkPieces(true, c.lenient, stream, size)
				if !maps.Equal(got.found.Faults.ByName(), wantFaults(c.want)) || got.found.Packets != c.packets {
					t.Errorf("pieces of %d: faults %v, %d packets, want %v, %d (first: %s)", size, got.found.Faults.ByName(),
						got.found.Packets, c.want, c.packets, got.found.Faults.First)
				}
			}
		})
	}
}

func wantFaults(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return m
}

func checkPieces(mmsh, lenient bool, stream []byte, size int) *Checker {
	c := New(mmsh, lenient, nil)
	for len(stream) > 0 {
		n := min(size, len(stream))
		c.Feed(stream[:n])
		stream = stream[n:]
	}
	return c
}

func TestCheckEnd(t *testing.T) {
	c := checkPieces(true, false, newScript(t).header().data(2).end(0x80000005).b, 7)
	if !c.found.Ended || c.found.Reason != 0x80000005 || c.found.Skips != 0 {
		t.Errorf("ended %v, reason %#x, skips %d", c.found.Ended, c.found.Reason, c.found.Skips)
	}
}

// rawStream is n packets as a plain HTTP viewer gets them.
func rawStream(s *source.Synthetic, header bool, n int) []byte {
	var b []byte
	if header {
		b = append(b, s.Header().Raw...)
	}
	for range n {
		b = append(b, s.Take()...)
	}
	return b
}

func TestCheckRaw(t *testing.T) {
	opt := source.Options{Bitrate: 400e3, Packet: 400, GOP: 100 * time.Millisecond, Payloads: 3}
	for _, c := range []struct {
		name    string
		build   func(s *source.Synthetic) []byte
		want    map[string]int64
		packets int64
	}{
		{"from the header", func(s *source.Synthetic) []byte { return rawStream(s, true, 50) }, nil, 50},
		{
			"not at a key frame", func(s *source.Synthetic) []byte { s.Take(); return rawStream(s, true, 50) },
			map[string]int64{"key_start": 1}, 50,
		},
		{"gap", func(s *source.Synthetic) []byte {
			b := rawStream(s, true, 5)
			s.Take()
			return append(b, rawStream(s, false, 5)...)
		}, map[string]int64{"gap": 1}, 10},
		{"header too large", func(s *source.Synthetic) []byte {
			b := rawStream(s, true, 1)
			binary.LittleEndian.PutUint64(b[16:], 1<<40)
			return b
		}, map[string]int64{"header": 1}, 0},
		{"from anywhere", func(s *source.Synthetic) []byte { return rawStream(s, false, 50)[399:] }, nil, 49},
		{"from anywhere, gap", func(s *source.Synthetic) []byte {
			b := rawStream(s, false, 5)[10:]
			s.Take()
			return append(b, rawStream(s, false, 5)...)
		}, map[string]int64{"gap": 1}, 10},
		{"no stream of ours", func(*source.Synthetic) []byte { return make([]byte, 5000) }, nil, 0},
	} {
		stream := c.build(mustSynthetic(t, opt))
		for _, size := range []int{len(stream), 1, 777} {
			got := checkPieces(false, false, stream, size)
			faults := got.found.Faults.ByName()
			if !maps.Equal(faults, wantFaults(c.want)) || got.found.Packets != c.packets {
				t.Errorf("%s, pieces of %d: faults %v, %d packets, want %v, %d (first: %s)", c.name, size, faults,
					got.found.Packets, c.want, c.packets, got.found.Faults.First)
			}
		}
	}
}

// What follows a lost byte is no packet any more; which fault that is depends on the bytes.
func TestCheckRawLostByte(t *testing.T) {
	s := mustSynthetic(t, source.Options{Bitrate: 400e3, Packet: 400, GOP: 100 * time.Millisecond, Payloads: 1})
	b := rawStream(s, true, 5)
	b = append(b[:len(b)-1], rawStream(s, false, 1)...)
	if c := checkPieces(false, false, b, 100); c.found.Faults.total() == 0 {
		t.Error("no fault")
	}
}

// A stream from a file has no probes: order and age are unknown, and that is no fault.
func TestCheckWithoutProbes(t *testing.T) {
	s := newScript(t)
	s.header()
	for range 10 {
		p := bytes.Clone(s.take())
		clear(p[bytes.Index(p, []byte(probe.Magic)):])
		s.frame(s.next, s.flags, p)
	}
	c := checkPieces(true, false, s.b, 50)
	if c.found.Faults.total() != 0 || c.found.Probed || c.found.Packets != 10 {
		t.Errorf("faults %v, probed %v, %d packets", c.found.Faults.ByName(), c.found.Probed, c.found.Packets)
	}
}

func FuzzChecker(f *testing.F) {
	for _, c := range mmshCases[:6] {
		f.Add(true, c.build(newScript(f)).b[:1500])
	}
	opt := source.Options{Bitrate: 400e3, Packet: 400, GOP: 100 * time.Millisecond, Payloads: 1}
	f.Add(false, rawStream(mustSynthetic(f, opt), true, 3))
	f.Add(false, rawStream(mustSynthetic(f, opt), false, 3))
	f.Fuzz(func(t *testing.T, mmsh bool, b []byte) {
		whole, parts := checkPieces(mmsh, false, b, len(b)), checkPieces(mmsh, false, b, 7)
		if whole.found.Faults != parts.found.Faults || whole.found.Packets != parts.found.Packets {
			t.Errorf("whole: %+v, %d packets; in parts: %+v, %d packets", whole.found.Faults, whole.found.Packets,
				parts.found.Faults, parts.found.Packets)
		}
		if len(whole.buf) > len(b) {
			t.Errorf("%d bytes kept of %d", len(whole.buf), len(b))
		}
	})
}

func BenchmarkChecker(b *testing.B) {
	s := newScript(b)
	s.header().data(1000)
	b.SetBytes(int64(len(s.b)))
	for b.Loop() {
		c := New(true, false, nil)
		for stream := s.b; len(stream) > 0; {
			n := min(16<<10, len(stream))
			c.Feed(stream[:n])
			stream = stream[n:]
		}
		if c.found.Faults.total() != 0 {
			b.Fatal(c.found.Faults.First)
		}
	}
}

func mustSynthetic(t testing.TB, opt source.Options) *source.Synthetic {
	t.Helper()
	s, err := source.NewSynthetic(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
