package stream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
)

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
				f := newStudio(t, func(c *config.Server) { c.Burst = config.Burst{Auto: true} })
				if err := f.src.Header(asftest.Prerolled(asftest.PacketSize, c.preroll)); err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if err := f.src.Packet(asftest.Packet(i, i*step, i%c.group == 0, asftest.PacketSize, 100)); err != nil {
						t.Fatal(err)
					}
					f.pass(step * time.Millisecond)
				}
				f.first = f.st.Up().Start.next.Load() // where a newcomer starts
				_, got := f.published()
				if len(got) == 0 || got[0]%c.group != 0 || !slices.Equal(got, asftest.Numbers(got[0], n)) {
					t.Fatalf("got %v, want all packets from a key frame on", got)
				}
				start := time.Duration(n-1-got[0]) * step * time.Millisecond
				group := time.Duration(c.group) * step * time.Millisecond
				most := min(max(c.back, 3*time.Second)+group, config.LongestBurst)
				if c.back > 0 && start < c.back-startDelay || start > most {
					t.Errorf("starts %v back, want about %v", start, c.back)
				}
				if c.preroll <= 3000 && c.group == 10 && start > 3*time.Second {
					t.Errorf("starts %v back, with 3s it always was less", start)
				}
				if back := f.st.joins.Load().back; back != start {
					t.Errorf("status says %v, it is %v", back, start)
				}
			})
		}
	}
}

// What is kept for newcomers has the same limits as ever, and the log says when they are felt.
func TestLongBurstIsBounded(t *testing.T) {
	const size = 60_000
	f := newStudio(t, nil)
	if err := f.src.Header(asftest.Prerolled(size, 60_000)); err != nil {
		t.Fatal(err)
	}
	st := f.st
	for i := range uint32(1200) { // 12 Mbit/s, and both forms are kept
		if err := f.src.Packet(asftest.Packet(i, i*40, i%25 == 0, size, 59_000)); err != nil {
			t.Fatal(err)
		}
		f.pass(40 * time.Millisecond)
		f.first = nil // the test holds nothing
		if held := st.chain.last.bytes - st.joins.Load().Start.bytes; held > farthestJoin+2*size {
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
		b       config.Burst
		preroll uint64
		want    time.Duration
	}{
		{config.Burst{Auto: true}, 20_000, 0},
		{config.Burst{Auto: true}, 90_000, 30 * time.Second},
		{config.Burst{Length: config.Duration(3 * time.Second)}, 20_000, 17 * time.Second},
		{config.Burst{Length: config.Duration(25 * time.Second)}, 20_000, 0},
	} {
		if got := reachOf(c.b, c.preroll).slow(c.preroll); got != c.want {
			t.Errorf("burst %v, preroll %d: %v, want %v", c.b, c.preroll, got, c.want)
		}
	}
}
