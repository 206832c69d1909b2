//go:build players

package e2e

import (
	"fmt"
	"time"
)

// What a player must achieve.
const (
	playTime   = 15 * time.Second
	startLimit = 5 * time.Second // from its start to its first picture
	enough     = 80              // percent of the frames that are due from then on
)

// judge says what is wrong with a showing of a clip; loops says that the clip starts again at its end. Pictures are
// compared with those of the file: one that is not exactly right was decoded from damaged or missing data, or from a
// stream that was not joined at a key frame.
func judge(s *showing, c *clip, loops, lossless bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if s.ended {
		fault("ended by itself: %v", s.early)
	}
	for _, text := range s.trouble {
		fault("logged: %s", text)
	}
	if len(s.frames) == 0 {
		fault("showed no picture in %v", s.length)
		return faults
	}
	first := s.frames[0].at
	if first > startLimit {
		fault("first picture after %v, limit %v", first, startLimit)
	}
	due := int((s.length - first - s.buffer).Seconds() * frameRate)
	if len(s.frames)*100 < due*enough {
		fault("%d frames of %d, want %d%%", len(s.frames), due, enough)
	}
	if unknown, when := countUnknown(s.frames, c); unknown > 0 {
		fault("%d of %d frames are damaged, the first of them after %v", unknown, len(s.frames), when)
		return faults
	}
	if text := disorder(s.frames, c, loops, lossless); text != "" {
		fault("%s", text)
	}
	return faults
}

// countUnknown counts frames that the clip does not have.
func countUnknown(frames []frame, c *clip) (n int, when time.Duration) {
	for _, f := range frames {
		if _, ok := c.place[f.sum]; ok {
			continue
		}
		if n == 0 {
			when = f.at
		}
		n++
	}
	return n, when
}

// disorder says where frames do not follow each other as they do in the clip, or "". Players with a clock may leave
// some out, never go back.
func disorder(frames []frame, c *clip, loops, lossless bool) string {
	for i := 1; i < len(frames); i++ {
		last, next := c.place[frames[i-1].sum], c.place[frames[i].sum]
		step := next - last
		if loops && step <= 0 {
			step += c.frames
		}
		// Half a clip ahead in a loop is behind.
		if step < 1 || loops && step > c.frames/2 || lossless && step != 1 {
			return fmt.Sprintf("frame %d of the clip follows frame %d, %v after the start", next, last, frames[i].at)
		}
	}
	return ""
}
