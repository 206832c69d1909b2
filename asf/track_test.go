package asf

import (
	"slices"
	"testing"
	"time"
)

// Sequences of send times, and when their packets are due; -1: the time does not fit.
func TestTrack(t *testing.T) {
	const min20 = 20 * 60_000
	for _, c := range []struct {
		name  string
		sends []uint32
		want  []int
	}{
		{"steady", []uint32{500, 540, 580}, []int{0, 40, 80}},
		{"a little back", []uint32{500, 1500, 540, 1540}, []int{0, 1000, 1000, 1040}},
		{"over the end of the clock", []uint32{1<<32 - 40, 0, 40}, []int{0, 40, 80}},
		{"one damaged", []uint32{500, 540, 0xDEADBEEF, 620}, []int{0, 40, -1, 120}},
		{"one far back", []uint32{min20 + 500, min20 + 540, 580, min20 + 620}, []int{0, 40, -1, 120}},
		{"two that do not agree", []uint32{500, 540, min20, 2 * min20, 660}, []int{0, 40, -1, -1, 160}},
		{"the last", []uint32{500, 540, min20}, []int{0, 40, -1}},
		{"the first", []uint32{min20, 540, 580, 620}, []int{0, 0, 40, 80}},
		{"the first, on the old clock again later", []uint32{min20, 540, 580, min20 + 40, 660}, []int{0, 0, 40, -1, 120}},
		{"a gap", []uint32{500, 540, 60_540, 60_580}, []int{0, 40, 60_040, 60_080}},
		{"packets far apart", []uint32{0, 13_000, 26_000, 39_000, 52_000}, []int{0, 13_000, 26_000, 39_000, 52_000}},
		{"another clock", []uint32{min20, min20 + 40, 7, 47, 87}, []int{0, 40, 40, 80, 120}},
	} {
		h := testHeader(t, 80, false)
		var track Track
		var got []int
		for _, send := range c.sends {
			due, fits := track.Follow(h, Packet{SendTime: send, Earliest: send + 3000, Latest: send + 3000})
			if track.Confirmed {
				got[len(got)-1] = int(track.Before / time.Millisecond)
			}
			if !fits {
				due = -time.Millisecond
			}
			got = append(got, int(due/time.Millisecond))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A first packet whose own times contradict each other is not what the others are measured by, unless they all do.
func TestTrackDoubtsTheFirst(t *testing.T) {
	h := testHeader(t, 80, false)
	var track Track
	for i, c := range []struct {
		send, shown uint32
		fits        bool
	}{
		{1_200_000, 3000, false}, {540, 3540, true}, {580, 3580, true},
	} {
		if _, fits := track.Follow(h, Packet{SendTime: c.send, Earliest: c.shown, Latest: c.shown}); fits != c.fits {
			t.Errorf("packet %d fits: %v", i, fits)
		}
	}
	track = Track{}
	for i := range uint32(3) {
		if _, fits := track.Follow(h, Packet{SendTime: 40 * i, Earliest: 900_000, Latest: 900_000}); fits != (i > 0) {
			t.Errorf("packet %d of a strange encoder fits: %v", i, fits)
		}
	}
}

// A lap is as long as it would be without the damage.
func TestLapLengthOfDamagedFile(t *testing.T) {
	const audio, n = 1, 20
	h := testHeader(t, 80, false)
	for name, damage := range map[string]func(packets [][]byte){
		"none":                      func(p [][]byte) {},
		"sent ahead":                func(p [][]byte) { p[5] = loopPacket(t, 1_200_000, loopObject(audio, 3200)) },
		"ahead":                     func(p [][]byte) { p[5] = loopPacket(t, 1_200_000, loopObject(audio, 1_203_000)) },
		"shown ahead":               func(p [][]byte) { p[5] = loopPacket(t, 200, loopObject(audio, 1_203_000)) },
		"the first, sent ahead":     func(p [][]byte) { p[0] = loopPacket(t, 1_200_000, loopObject(audio, 3000)) },
		"the first, ahead":          func(p [][]byte) { p[0] = loopPacket(t, 1_200_000, loopObject(audio, 1_203_000)) },
		"the last, ahead":           func(p [][]byte) { p[n-1] = loopPacket(t, 1_200_000, loopObject(audio, 1_203_000)) },
		"zeros":                     func(p [][]byte) { p[5] = make([]byte, 80) },
		"two that do not agree":     func(p [][]byte) { p[5], p[6] = loopPacket(t, 1_200_000), loopPacket(t, 2_400_000) },
		"two, of which one is back": func(p [][]byte) { p[5], p[6] = loopPacket(t, 1_200_000), loopPacket(t, 1<<31) },
	} {
		var packets [][]byte
		for i := range uint32(n) {
			packets = append(packets, loopPacket(t, 40*i, loopObject(audio, 3000+40*i)))
		}
		damage(packets)
		if got := lengthOf(h, packets); got < 40*(n-2) || got > 40*(n+1) {
			t.Errorf("%s: %d ms, want about %d", name, got, 40*n)
		}
	}
}
