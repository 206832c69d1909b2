//go:build players

package e2e

import (
	"regexp"
	"slices"
	"testing"
	"time"
)

// startFull starts a pump whose only place is taken.
func startFull(t *testing.T, server string) *pump {
	t.Helper()
	p := startPump(t, "max_viewers = 1\n"+server, fileStream("demo", ""))
	waitLive(t, p.addr, streamPath("demo"))
	v := watch(t, p.addr, "demo", agentOld)
	t.Cleanup(func() { v.conn.Close() })
	return p
}

// Players are sent on by a pump that is full, and play there; those that do not follow say so.
func TestPlayAtSibling(t *testing.T) {
	c, err := demoClip()
	if err != nil {
		t.Fatal(err)
	}
	other := startPump(t, "", fileStream("demo", ""))
	waitLive(t, other.addr, streamPath("demo"))
	settle(t, other, "demo")
	p := startFull(t, "siblings = [\"mmsh://"+other.addr+"\"]")
	play(t, p, "mmsh", "demo", c, true, []player{ffmpeg, mpv, vlc})
	play(t, p, "http", "demo", c, true, []player{ffmpeg, mpv, vlc, gstreamer})
	checkRefusal(t, p, mplayer, "mmsh", `302`)
}

// Players that are refused say so at once, with the status.
func TestPlayRefused(t *testing.T) {
	p := startFull(t, "")
	for _, who := range []struct {
		player
		says string
	}{
		{ffmpeg, `5XX Server Error|503`}, {mpv, `503 Service Unavailable`}, {vlc, `503 Service Unavailable`},
		{mplayer, `503[: ]Service Unavailable`},
	} {
		checkRefusal(t, p, who.player, "mmsh", who.says)
		checkRefusal(t, p, who.player, "http", who.says)
	}
	checkRefusal(t, p, gstreamer, "http", `Service Unavailable`)
}

// checkRefusal has a player fail at once, with a line about it in its log.
func checkRefusal(t *testing.T, p *pump, who player, scheme, says string) {
	t.Helper()
	about := regexp.MustCompile(says)
	over := make(chan struct{})
	defer time.AfterFunc(patience, func() { close(over) }).Stop()
	show := who.playUntil(t, p.url(scheme, "demo"), over, about)
	if len(show.frames) > 0 || !slices.ContainsFunc(show.log, func(l line) bool { return about.MatchString(l.text) }) {
		t.Errorf("%s, %s: %d pictures, want none and %s in its log\n%s", who.name, scheme, len(show.frames), says,
			show.excerpt(who))
	}
}
