//go:build players

package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A verdict that finds nothing wrong with anything would let every player pass.
func TestJudge(t *testing.T) {
	c := &clip{place: map[uint32]int{}, frames: 500}
	for i := range c.frames {
		c.place[sumOf(i)] = i
	}
	type change func(*showing)
	for _, test := range []struct {
		name            string
		loops, lossless bool
		change          change
		fault           string // "" for none
	}{
		{"good", false, true, func(*showing) {}, ""},
		{"no picture", false, true, func(s *showing) { s.frames = nil }, "no picture"},
		{"first picture late", false, true, func(s *showing) { s.frames = s.frames[120:] }, "first picture after 5.8s"},
		{"stops half way", false, true, func(s *showing) { s.frames = s.frames[:170] }, "170 frames of 350"},
		{"every sixth frame is late", false, false, func(s *showing) { s.frames = drop(s.frames, 6) }, ""},
		{"every fourth frame is late", false, false, func(s *showing) { s.frames = drop(s.frames, 4) }, "want 80%"},
		{"frames missing", false, true, func(s *showing) { s.frames = append(s.frames[:50:50], s.frames[60:]...) },
			"frame 60 of the clip follows frame 49"},
		{"damaged frame", false, false, func(s *showing) { s.frames[7].sum++ }, "1 of 350 frames are damaged, the first of " +
			"them after 1.28s"},
		{"goes back", false, false, func(s *showing) { s.frames[50] = s.frames[40] }, "frame 40 of the clip follows " +
			"frame 49"},
		{"clip starts again", false, false, func(s *showing) { rotate(s, c, 300) }, "frame 0 of the clip follows frame 499"},
		{"loop", true, true, func(s *showing) { rotate(s, c, 300) }, ""},
		{"goes back in a loop", true, false, func(s *showing) { s.frames[50] = s.frames[40] }, "follows frame 49"},
		{"logged trouble", false, true, func(s *showing) { s.trouble = []string{"concealing"} }, "logged: concealing"},
		{"ended", false, true, func(s *showing) { s.ended, s.early = true, errors.New("signal") }, "ended by itself: signal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &showing{length: 15 * time.Second}
			for i := range 350 {
				s.frames = append(s.frames, frame{time.Second + time.Duration(i)*40*time.Millisecond, sumOf(i)})
			}
			test.change(s)
			got := strings.Join(judge(s, c, test.loops, test.lossless), "; ")
			if test.fault == "" && got != "" || !strings.Contains(got, test.fault) {
				t.Errorf("got %q, want %q", got, test.fault)
			}
		})
	}
}

// sumOf is the checksum of frame i in the clip of TestJudge.
func sumOf(i int) uint32 { return uint32(i) * 2 }

// drop leaves out every nth frame.
func drop(frames []frame, n int) (rest []frame) {
	for i, f := range frames {
		if i%n != 0 {
			rest = append(rest, f)
		}
	}
	return rest
}

// rotate lets the showing begin at frame first of the clip.
func rotate(s *showing, c *clip, first int) {
	for i := range s.frames {
		s.frames[i].sum = sumOf((i + first) % c.frames)
	}
}
