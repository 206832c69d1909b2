//go:build players

package e2e

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"strings"
	"testing"
	"time"
)

// The sound of all clips is one tone, so that a hole or a wrong piece shows: the tone jumps to elsewhere in its wave,
// or is faint.
const (
	toneRate  = 44100 // samples a second
	toneHertz = 440
	// Samples. It holds a whole number of waves, else a wave's phase would depend on where it begins.
	toneBlock = toneRate / 20
)

// A hearing is what a player without pictures gave.
type hearing struct {
	length  time.Duration
	first   time.Duration // from the player's start to its first sample
	at      time.Time     // of that sample
	samples []int16
	log     string
}

// judgeTone says what is wrong with a hearing.
func judgeTone(h *hearing) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if len(h.samples) == 0 {
		fault("nothing was heard in %v", h.length)
		return faults
	}
	if h.first > startLimit {
		fault("first sound after %v, limit %v", h.first, startLimit)
	}
	if due := int((h.length - h.first).Seconds() * toneRate); len(h.samples)*100 < due*enough {
		fault("%d samples of %d, want %d%%", len(h.samples), due, enough)
	}
	waves := wavesOf(h.samples)
	if len(waves) < 4 {
		fault("%d samples are too few to judge", len(h.samples))
		return faults
	}
	waves = waves[2:] // the decoder begins in the middle of the stream
	loud := loudness(waves)
	for i, w := range waves {
		jump := 0.0
		if i > 0 {
			jump = math.Abs(cmplx.Phase(w / waves[i-1]))
		}
		if a := cmplx.Abs(w); a < 500 || math.Abs(a-loud) > loud/10 || jump > 0.2 {
			at := h.first + time.Duration(i+2)*time.Second/20
			fault("after %v the tone is damaged: %.0f loud, elsewhere %.0f, jumps by %.1f waves", at, a, loud, jump/(2*math.Pi))
			return faults
		}
	}
	return faults
}

// wavesOf is the tone in each whole block of samples: how loud, and where in its wave as seen from the first sample.
func wavesOf(samples []int16) (waves []complex128) {
	var turned [toneBlock]complex128
	for i := range turned {
		turned[i] = cmplx.Rect(1, -2*math.Pi*toneHertz*float64(i)/toneRate)
	}
	for block := range slices.Chunk(samples[:len(samples)/toneBlock*toneBlock], toneBlock) {
		var w complex128
		for i, x := range block {
			w += turned[i] * complex(float64(x), 0)
		}
		waves = append(waves, w*2/toneBlock)
	}
	return waves
}

// loudness is the usual one.
func loudness(waves []complex128) float64 {
	var all []float64
	for _, w := range waves {
		all = append(all, cmplx.Abs(w))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// A verdict that finds nothing wrong with anything would let every player pass.
func TestJudgeTone(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s []int16) []int16
		fault  string // "" for none
	}{
		{"good", func(s []int16) []int16 { return s }, ""},
		{"begins badly", func(s []int16) []int16 { clear(s[:toneBlock]); return s }, ""},
		{"nothing", func(s []int16) []int16 { return nil }, "nothing was heard"},
		{"half", func(s []int16) []int16 { return s[:len(s)/2] }, "want 80%"},
		{"a block is missing", func(s []int16) []int16 { return slices.Delete(s, 90000, 92048) }, "damaged"},
		{"a block twice", func(s []int16) []int16 { return slices.Insert(s, 90000, s[90000:92048]...) }, "damaged"},
		{"a hole", func(s []int16) []int16 { clear(s[90000:92048]); return s }, "damaged"},
		{"silence", func(s []int16) []int16 { clear(s); return s }, "damaged"},
		{"another pitch", func(s []int16) []int16 { return tone(432, len(s)) }, "damaged"},
	} {
		h := &hearing{length: 15 * time.Second, first: time.Second, samples: c.change(tone(toneHertz, 14*toneRate))}
		got := strings.Join(judgeTone(h), "; ")
		if c.fault == "" && got != "" || !strings.Contains(got, c.fault) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.fault)
		}
	}
}

func tone(hertz float64, n int) (s []int16) {
	for i := range n {
		s = append(s, int16(4000*math.Sin(2*math.Pi*hertz*float64(i)/toneRate)))
	}
	return s
}
