package source

import (
	"fmt"
	"testing"
	"time"

	"pumpd/asf"
	"pumpd/bench/probe"
)

var synthCases = []Options{
	{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1},
	{Bitrate: 2e6, Packet: 8192, GOP: time.Second, Payloads: 1},
	{Bitrate: 5e6, Packet: 1400, GOP: time.Second, Payloads: 1}, // several packets a frame
	{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 4},
	{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 4, Padding: 300},
	{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1, Padding: 1},
	{Bitrate: 64e3, Packet: 300, GOP: 100 * time.Millisecond, Payloads: 1, Padding: 100},
	{Bitrate: 1e9, Packet: 65524, GOP: time.Second, Payloads: 1},
}

func mustSynthetic(t testing.TB, opt Options) *Synthetic {
	t.Helper()
	s, err := NewSynthetic(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every packet must be valid, found again by its probes, and a place to start exactly once in a GOP.
func TestSynthPackets(t *testing.T) {
	for _, opt := range synthCases {
		t.Run(fmt.Sprintf("%+v", opt), func(t *testing.T) {
			s := mustSynthetic(t, opt)
			if s.perFrame > 1 && s.perGOP == s.perFrame {
				t.Errorf("%d packets a frame and a GOP", s.perFrame)
			}
			for n := range 3 * s.perGOP {
				at, _ := s.Due()
				checkSynthPacket(t, s, n, at, s.Take())
			}
		})
	}
}

func checkSynthPacket(t *testing.T, s *Synthetic, n uint64, at time.Duration, b []byte) {
	t.Helper()
	p, err := s.head.ParsePacket(b)
	if err != nil {
		t.Fatalf("packet %d: %v", n, err)
	}
	if want := n%s.perGOP == 0; p.Join != want {
		t.Errorf("packet %d: Join %v, want %v", n, p.Join, want)
	}
	if len(b) != s.opt.Packet || p.Payloads != s.opt.Payloads || p.Padding != s.opt.Padding || p.Unknown != 0 {
		t.Errorf("packet %d: %d bytes, %+v", n, len(b), p)
	}
	if want := uint32(at.Milliseconds()); p.SendTime != want {
		t.Errorf("packet %d: send time %d, due %d ms", n, p.SendTime, want)
	}
	if got, err := probe.InPacket(b); err != nil || got.Number != n {
		t.Errorf("packet %d: probe %+v, %v", n, got, err)
	}
}

// What a server may do to a packet must leave the probes whole.
func TestSynthSurvivesServers(t *testing.T) {
	for _, opt := range synthCases {
		s := mustSynthetic(t, opt)
		b := s.Take()
		p, _ := s.head.ParsePacket(b)
		for name, out := range map[string][]byte{
			"short": s.head.AppendShort(nil, b, p),
			"full":  s.head.AppendFull(nil, b, p),
		} {
			if got, err := probe.InPacket(out); err != nil || got.Number != 0 {
				t.Errorf("%+v: %s: %+v, %v", opt, name, got, err)
			}
		}
	}
}

func TestSynthHeader(t *testing.T) {
	s := mustSynthetic(t, Options{Bitrate: 300e3, Packet: 1400, GOP: time.Second, Payloads: 1})
	h := s.Header()
	if h.PacketSize != 1400 || !h.Broadcast || h.Bitrate() != 300e3 || !h.HasVideo() ||
		len(h.Streams) != 1 || h.Streams[0].Kind != asf.Video {
		t.Errorf("header: %+v", h)
	}
}

func TestSynthRefuses(t *testing.T) {
	for name, opt := range map[string]Options{
		"no bitrate":            {Packet: 1400, GOP: time.Second, Payloads: 1},
		"no gop":                {Bitrate: 1e6, Packet: 1400, Payloads: 1},
		"packet for no probe":   {Bitrate: 1e6, Packet: 50, GOP: time.Second, Payloads: 1},
		"all padding":           {Bitrate: 1e6, Packet: 1400, GOP: time.Second, Payloads: 1, Padding: 1380},
		"more than a frame has": {Bitrate: 1e6, Packet: 65525, GOP: time.Second, Payloads: 1},
		"64 payloads":           {Bitrate: 1e6, Packet: 60000, GOP: time.Second, Payloads: 64},
		"none":                  {Bitrate: 1e6, Packet: 1400, GOP: time.Second},
	} {
		if _, err := NewSynthetic(opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSyntheticBallast(t *testing.T) {
	opt := Options{Bitrate: 300e3, Packet: 1400, GOP: time.Second, Payloads: 1}
	size := func(ballast int) int {
		opt.Ballast = ballast
		s, err := NewSynthetic(opt)
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Header().Raw)
	}
	if plain, heavy := size(0), size(60_000); heavy != plain+24+60_000 { // an object's head
		t.Errorf("header of %d bytes, without ballast %d", heavy, plain)
	}
	for _, bad := range []int{-1, maxBallast + 1} {
		opt.Ballast = bad
		if _, err := NewSynthetic(opt); err == nil {
			t.Errorf("ballast %d: accepted", bad)
		}
	}
}
