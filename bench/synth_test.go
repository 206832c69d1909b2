package main

import (
	"fmt"
	"testing"
	"time"

	"pumpd/asf"
)

var synthCases = []synthOptions{
	{bitrate: 300e3, packet: 1400, gop: 2 * time.Second, payloads: 1},
	{bitrate: 2e6, packet: 8192, gop: time.Second, payloads: 1},
	{bitrate: 5e6, packet: 1400, gop: time.Second, payloads: 1}, // several packets a frame
	{bitrate: 300e3, packet: 1400, gop: 2 * time.Second, payloads: 4},
	{bitrate: 300e3, packet: 1400, gop: 2 * time.Second, payloads: 4, padding: 300},
	{bitrate: 300e3, packet: 1400, gop: 2 * time.Second, payloads: 1, padding: 1},
	{bitrate: 64e3, packet: 300, gop: 100 * time.Millisecond, payloads: 1, padding: 100},
	{bitrate: 1e9, packet: 65524, gop: time.Second, payloads: 1},
}

func mustSynth(t testing.TB, opt synthOptions) *synth {
	t.Helper()
	s, err := newSynth(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every packet must be valid, found again by its probes, and a place to start exactly once in a GOP.
func TestSynthPackets(t *testing.T) {
	for _, opt := range synthCases {
		t.Run(fmt.Sprintf("%+v", opt), func(t *testing.T) {
			s := mustSynth(t, opt)
			if s.perFrame > 1 && s.perGOP == s.perFrame {
				t.Errorf("%d packets a frame and a GOP", s.perFrame)
			}
			for n := range 3 * s.perGOP {
				at, _ := s.due()
				checkSynthPacket(t, s, n, at, s.take())
			}
		})
	}
}

func checkSynthPacket(t *testing.T, s *synth, n uint64, at time.Duration, b []byte) {
	t.Helper()
	p, err := s.head.ParsePacket(b)
	if err != nil {
		t.Fatalf("packet %d: %v", n, err)
	}
	if want := n%s.perGOP == 0; p.Join != want {
		t.Errorf("packet %d: Join %v, want %v", n, p.Join, want)
	}
	if len(b) != s.opt.packet || p.Payloads != s.opt.payloads || p.Padding != s.opt.padding || p.Unknown != 0 {
		t.Errorf("packet %d: %d bytes, %+v", n, len(b), p)
	}
	if want := uint32(at.Milliseconds()); p.SendTime != want {
		t.Errorf("packet %d: send time %d, due %d ms", n, p.SendTime, want)
	}
	if got, err := packetProbe(b); err != nil || got.number != n {
		t.Errorf("packet %d: probe %+v, %v", n, got, err)
	}
}

// What a server may do to a packet must leave the probes whole.
func TestSynthSurvivesServers(t *testing.T) {
	for _, opt := range synthCases {
		s := mustSynth(t, opt)
		b := s.take()
		p, _ := s.head.ParsePacket(b)
		for name, out := range map[string][]byte{
			"short": s.head.AppendShort(nil, b, p),
			"full":  s.head.AppendFull(nil, b, p),
		} {
			if got, err := packetProbe(out); err != nil || got.number != 0 {
				t.Errorf("%+v: %s: %+v, %v", opt, name, got, err)
			}
		}
	}
}

func TestSynthHeader(t *testing.T) {
	s := mustSynth(t, synthOptions{bitrate: 300e3, packet: 1400, gop: time.Second, payloads: 1})
	h := s.header()
	if h.PacketSize != 1400 || !h.Broadcast || h.Bitrate() != 300e3 || !h.HasVideo() || len(h.Streams) != 1 || h.Streams[0].Kind != asf.Video {
		t.Errorf("header: %+v", h)
	}
}

func TestSynthRefuses(t *testing.T) {
	for name, opt := range map[string]synthOptions{
		"no bitrate":            {packet: 1400, gop: time.Second, payloads: 1},
		"no gop":                {bitrate: 1e6, packet: 1400, payloads: 1},
		"packet for no probe":   {bitrate: 1e6, packet: 50, gop: time.Second, payloads: 1},
		"all padding":           {bitrate: 1e6, packet: 1400, gop: time.Second, payloads: 1, padding: 1380},
		"more than a frame has": {bitrate: 1e6, packet: 65525, gop: time.Second, payloads: 1},
		"64 payloads":           {bitrate: 1e6, packet: 60000, gop: time.Second, payloads: 64},
		"none":                  {bitrate: 1e6, packet: 1400, gop: time.Second},
	} {
		if _, err := newSynth(opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
