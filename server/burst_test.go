package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
)

// prerolled is a header that names so many ms of preroll.
func prerolled(size int, ms uint64) []byte {
	h := asftest.Header(size, 320)
	binary.LittleEndian.PutUint64(h[bytes.Index(h, asftest.GUIDFile)+80:], ms)
	return h
}

// With "auto" a newcomer starts as far back as players wait, or at most startDelay later; never farther back than a
// minute or than the first key frame, and by less than 3s of preroll as by 3s.
func TestBurstAuto(t *testing.T) {
	const step = 40 // ms
	for _, c := range []struct {
		preroll uint64 // ms
		group   uint32 // packets from one key frame to the next
		back    time.Duration
	}{
		{0, 10, 3 * time.Second},
		{3000, 10, 3 * time.Second},
		{3000, 200, 0}, // none inside: the newest, wherever that is
		{5000, 10, 5 * time.Second},
		{20_000, 10, 20 * time.Second},
		{20_000, 100, 20 * time.Second},
		{20_000, 200, 20 * time.Second},
		{20_000, 250, 20 * time.Second},
		{60_000, 10, time.Minute},
		{3_600_000, 10, time.Minute},
		{1 << 63, 10, time.Minute},
	} {
		for _, n := range []uint32{2000, 2003, 2077, 2149, 2199} {
			t.Run(fmt.Sprintf("%dms/%d/%d", c.preroll, c.group, n), func(t *testing.T) {
				r := newRig(t, func(c *Config) { c.Server.Burst = Burst{Auto: true} }, "a")
				src := r.source(0)
				if err := src.header(prerolled(asftest.PacketSize, c.preroll)); err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if err := src.packet(asftest.Packet(i, i*step, i%c.group == 0, asftest.PacketSize, 100)); err != nil {
						t.Fatal(err)
					}
					r.pass(step * time.Millisecond)
				}
				p := r.watch("a", ffmpegAgent)
				for range 20 {
					r.turn()
				}
				got := r.read(p.body()).numbers
				if len(got) == 0 || got[0]%c.group != 0 || !slices.Equal(got, numbers(got[0], n)) {
					t.Fatalf("got %v, want all packets from a key frame on", got)
				}
				start := time.Duration(n-1-got[0]) * step * time.Millisecond
				group := time.Duration(c.group) * step * time.Millisecond
				if c.back > 0 && start < c.back-startDelay || start > max(c.back, 3*time.Second)+group || start > longestBurst {
					t.Errorf("starts %v back, want about %v", start, c.back)
				}
				if c.preroll <= 3000 && c.group == 10 && start > 3*time.Second {
					t.Errorf("starts %v back, with 3s it always was less", start)
				}
				if back := r.reg.streams[0].joins.Load().back; back != start {
					t.Errorf("status says %v, it is %v", back, start)
				}
			})
		}
	}
}

// A viewer that starts that far back and cannot take all at once is not too slow.
func TestLongBurstIsNoLag(t *testing.T) {
	r := newRig(t, nil, "a")
	src := r.source(0)
	if err := src.header(prerolled(asftest.PacketSize, 20_000)); err != nil {
		t.Fatal(err)
	}
	publish := func(i uint32) {
		if err := src.packet(asftest.Packet(i, i*40, i%250 == 0, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
		r.pass(40 * time.Millisecond)
	}
	for i := range uint32(1000) {
		publish(i)
	}
	p := r.connect()
	p.room = 100_000
	p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + ffmpegAgent + "\r\nPragma: xPlayStrm=1\r\n\r\n")
	for i := uint32(1000); i < 1250; i++ { // ten seconds in which it gets what comes, and little more
		publish(i)
		r.turn()
		p.room += 1000
	}
	p.room = plenty
	for range 20 {
		r.turn()
	}
	got := r.read(p.body()).numbers
	if !slices.Equal(got, numbers(got[0], 1250)) || r.reg.streams[0].stats.skips.Load() != 0 {
		t.Errorf("%d skips; got %d packets from %d on, want all of them", r.reg.streams[0].stats.skips.Load(), len(got),
			got[0])
	}
}

// What is kept for newcomers has the same limits as ever, and the log says when they are felt.
func TestLongBurstIsBounded(t *testing.T) {
	const size = 60_000
	r := newRig(t, nil, "a")
	src := r.source(0)
	if err := src.header(prerolled(size, 60_000)); err != nil {
		t.Fatal(err)
	}
	st := r.reg.streams[0]
	for i := range uint32(1200) { // 12 Mbit/s, and both forms are kept
		if err := src.packet(asftest.Packet(i, i*40, i%25 == 0, size, 59_000)); err != nil {
			t.Fatal(err)
		}
		r.pass(40 * time.Millisecond)
		if held := st.chain.last.bytes - st.joins.Load().start.bytes; held > farthestJoin+2*size {
			t.Fatalf("packet %d: %d bytes are kept, limit %d", i, held, farthestJoin)
		}
	}
	if !st.chain.full {
		t.Error("nobody is told")
	}
	if back := st.joins.Load().back; back < 9*time.Second {
		t.Errorf("newcomers start %v back, want as far as the limit allows", back)
	}
}

func TestSlowStart(t *testing.T) {
	for _, c := range []struct {
		b       Burst
		preroll uint64
		want    time.Duration
	}{
		{Burst{Auto: true}, 20_000, 0},
		{Burst{Auto: true}, 90_000, 30 * time.Second},
		{Burst{Length: Duration(3 * time.Second)}, 20_000, 17 * time.Second},
		{Burst{Length: Duration(25 * time.Second)}, 20_000, 0},
	} {
		if got := reachOf(c.b, c.preroll).slow(c.preroll); got != c.want {
			t.Errorf("burst %v, preroll %d: %v, want %v", c.b, c.preroll, got, c.want)
		}
	}
}

func TestBurstText(t *testing.T) {
	for _, text := range []string{"auto", "0s", "2500ms", "60s"} {
		b := Burst{Auto: true}
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != text {
			t.Errorf("%q: %+v (%v), %v", text, b, b, err)
		}
	}
	if err := new(Burst).UnmarshalText([]byte("automatic")); err == nil {
		t.Error("automatic is allowed")
	}
}
