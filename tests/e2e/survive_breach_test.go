//go:build players

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// breachTime is how long players watch that shall get over a breach.
const breachTime = 20 * time.Second

// clockLag is how much of what they have got players with a clock may have yet to show: a breach makes VLC buffer more.
const clockLag = 3 * time.Second

// A breach is what may be missing from a showing: the source was away for so long, and began its clip anew so often.
type breach struct {
	away   time.Duration
	begins int
	cut    int // frames of which the source may have sent a part only
}

// judgeBreach is judge for a showing whose source was interrupted: every frame is the clip's, none is missing but in
// the breach, and each beginning goes on in order.
func judgeBreach(s *showing, c *clip, b breach, lossless bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if s.ended {
		fault("ended by itself: %v", s.early)
	}
	if most := 3 * (b.begins + 1); b.cut > 0 && len(s.trouble) > most || b.cut == 0 && len(s.trouble) > 0 {
		fault("logged: %q", s.trouble)
	}
	if len(s.frames) == 0 {
		fault("showed no picture in %v", s.length)
		return faults
	}
	first, away := s.frames[0].at, b.away
	if !lossless {
		away += clockLag
	}
	due := int((s.length - first - away).Seconds() * frameRate)
	if len(s.frames)*100 < due*enough {
		fault("%d frames of %d, want %d%%", len(s.frames), due, enough)
	}
	if unknown, when := countUnknown(s.frames, c); unknown > b.cut {
		fault("%d of %d frames are damaged, the first of them after %v", unknown, len(s.frames), when)
		return faults
	}
	parts := beginnings(s.frames, c)
	if len(parts) != b.begins+1 {
		fault("the clip begins %d times again, want %d", len(parts)-1, b.begins)
	}
	for _, part := range parts {
		if text := disorder(part, c, false, lossless); text != "" {
			fault("%s", text)
		}
	}
	return faults
}

// describeFrames tells which frames of the clip were shown, and when each stretch began.
func describeFrames(frames []frame, c *clip) string {
	var text strings.Builder
	for i := 0; i < len(frames); {
		at, ok := c.place[frames[i].sum]
		n := 1
		for ; i+n < len(frames); n++ {
			next, known := c.place[frames[i+n].sum]
			if known != ok || known && next != at+n || frames[i+n].at-frames[i+n-1].at > time.Second {
				break
			}
		}
		if ok {
			fmt.Fprintf(&text, "[%.2fs %d-%d] ", frames[i].at.Seconds(), at, at+n-1)
		} else {
			fmt.Fprintf(&text, "[%.2fs %d damaged] ", frames[i].at.Seconds(), n)
		}
		i += n
	}
	return text.String()
}

// beginnings cuts frames where the clip goes back; frames that the clip does not have are left out.
func beginnings(frames []frame, c *clip) (parts [][]frame) {
	last := len(c.place)
	for _, f := range frames {
		at, ok := c.place[f.sum]
		if !ok {
			continue
		}
		if at < last {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], f)
		last = at
	}
	return parts
}

// The verdict on a breach must see what a breach does not excuse.
func TestJudgeBreach(t *testing.T) {
	c := &clip{place: map[uint32]int{}, frames: 500}
	for i := range c.frames {
		c.place[sumOf(i)] = i
	}
	for _, test := range []struct {
		name   string
		change func(*showing)
		good   bool
	}{
		{"good", func(*showing) {}, true},
		{"a cut frame", func(s *showing) { s.frames[150].sum++ }, true},
		{"two damaged frames", func(s *showing) { s.frames[20].sum++; s.frames[150].sum++ }, false},
		{"ended", func(s *showing) { s.ended, s.early = true, errors.New("signal") }, false},
		{"goes back once more", func(s *showing) { s.frames[200] = s.frames[190] }, false},
		{"frames missing besides the breach", func(s *showing) { s.frames = append(s.frames[:50:50], s.frames[60:]...) },
			false},
		{"stops at the breach", func(s *showing) { s.frames = s.frames[:150] }, false},
		{"logged trouble", func(s *showing) { s.trouble = []string{"a", "b", "c", "d", "e", "f", "g"} }, false},
	} {
		s := &showing{length: 15 * time.Second}
		for i := range 300 { // 1 s to 7 s, and 9 s to 15 s
			at, n := time.Second+time.Duration(i)*40*time.Millisecond, i+100
			if i >= 150 {
				at, n = at+2*time.Second, i-150
			}
			s.frames = append(s.frames, frame{at, sumOf(n)})
		}
		test.change(s)
		if faults := judgeBreach(s, c, breach{away: 2 * time.Second, begins: 1, cut: 1},
			true); (len(faults) == 0) != test.good {
			t.Errorf("%s: faults %q", test.name, faults)
		}
	}
}
