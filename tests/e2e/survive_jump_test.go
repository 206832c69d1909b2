//go:build players

package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pumpd/asf"
)

// The encoder's clock jumps by an hour while it runs. FFmpeg is told that the stream is over, by $E or by FIN, has
// shown all of it until then, and shows what follows when it comes again. For VLC see TestPlayAnotherHeader.
func playClockJump(t *testing.T, c *clip) (wrong []string) {
	const before, by, again = 15 * time.Second, time.Hour, 8 * time.Second
	m := startMortal(t, "", pushStream("live"))
	pushJumping(t, m, c, before, by)
	waitLive(t, m.addr, streamPath("live"))
	settle(t, m.pump, "live")
	players := []staged{{ffmpeg, "mmsh"}, {ffmpeg, "http"}}
	wrong = stageAll(t, m, "live", playTime, players...).judge(c, func(who staged, show *showing) []string {
		if !show.ended || show.early != nil || len(show.frames) == 0 {
			return []string{fmt.Sprintf("ended %v, error %v, %d frames; want an end without error", show.ended, show.early,
				len(show.frames))}
		}
		first := *show
		first.ended, first.trouble, first.length = false, nil, show.frames[len(show.frames)-1].at
		return judgeBreach(&first, c, breach{}, true)
	})
	now := m.awaitStatus(t, "live", "of two generations",
		func(s streamStatus) bool { return s.Generations == 2 && s.State == "live" })
	if now.Left["header_changed"] != 2 {
		wrong = append(wrong, fmt.Sprintf("counters %+v, want two viewers gone for the new generation", now.counters))
	}
	return append(wrong, stageAll(t, m, "live", again, players...).judge(c, func(who staged, show *showing) []string {
		return judgeBreach(show, c, breach{}, true)
	})...)
}

// pushJumping pushes a clip in real time until the test is over. Send and presentation times jump after so long.
func pushJumping(t *testing.T, m *mortal, c *clip, before, by time.Duration) {
	t.Helper()
	file, err := os.Open(c.file)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	header, packets, err := asf.ReadFile(file, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	e := pushTo(t, m.addr, "live", header.Raw)
	e.SetDeadline(time.Time{})
	begin := time.Now()
	go func() {
		for _, b := range packets {
			p, err := header.ParsePacket(b)
			if err != nil {
				return
			}
			due := time.Duration(p.SendTime) * time.Millisecond
			<-time.After(time.Until(begin.Add(due)))
			if due > before && header.ShiftTimes(b, uint32(by.Milliseconds())) != nil {
				return
			}
			if _, err := e.Write(pushFrame('D', b)); err != nil {
				return // the test is over
			}
		}
	}()
}
