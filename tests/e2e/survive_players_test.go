//go:build players

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// The encoder is killed and comes back with the same header: players lose the outage and nothing else.
func TestPlayEncoderKilled(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return playEncoderKilled(t) })
}

func playEncoderKilled(t *testing.T) (wrong []string) {
	t.Helper()
	const outage = 2 * time.Second
	c := makeClip(t, "wmv2", 1400)
	m := startMortal(t, "", pushStream("live"))
	e := startEncoder(t, m, "live", []string{"push", c.file})
	waitLive(t, m.addr, streamPath("live"))
	settle(t, m.pump, "live")
	s := stageAll(t, m, "live", breachTime, keen...)
	m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == int64(len(keen)) })
	<-time.After(breachTime / 4)
	e.kill9()
	<-time.After(outage)
	startEncoder(t, m, "live", []string{"push", c.file})
	wrong = s.judge(c, func(who staged, show *showing) []string {
		return judgeBreach(show, c, breach{away: outage, begins: 1, cut: who.cut()}, who.lossless)
	})
	m.awaitStatus(t, "live", "of one generation",
		func(s streamStatus) bool { return s.Generations == 1 && s.State == "live" })
	return wrong
}

// The pump in the middle of a chain of three is killed and started again: players at its end see nothing of it, and
// those that show every frame show every frame.
func TestPlayChainKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return playChainKilledInTheMiddle(t) })
}

func playChainKilledInTheMiddle(t *testing.T) (wrong []string) {
	t.Helper()
	c := makeClip(t, "wmv2", 1400)
	const backlog = "burst = \"20s\"\nmax_lag = \"30s\""
	first := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, first, "live", []string{"push", c.file})
	waitLive(t, first.addr, streamPath("live"))
	middle := startMortal(t, backlog, pullStream("on", first.url("mmsh", "live")))
	waitLive(t, middle.addr, streamPath("on"))
	last := startMortal(t, "", pullStream("end", middle.url("mmsh", "on")))
	waitLive(t, last.addr, streamPath("end"))
	settle(t, last.pump, "end")
	players := []staged{{ffmpeg, "mmsh"}, {vlc, "mmsh"}}
	s := stageAll(t, last, "end", playTime, players...)
	last.awaitStatus(t, "end", "watched by all", func(s streamStatus) bool { return s.Viewers == int64(len(players)) })
	<-time.After(playTime / 3)
	middle.kill(t)
	last.awaitState(t, "end", "orphaned")
	middle.start(t)
	wrong = s.judge(c, func(who staged, show *showing) []string { return judge(show, c, false, who.lossless) })
	last.awaitStatus(t, "end", "of one generation",
		func(s streamStatus) bool { return s.Generations == 1 && s.State == "live" })
	return wrong
}

// It comes back with another header. FFmpeg and VLC are told that the stream is over, have shown all of it until then
// and nothing wrong. A VLC that plays in a loop opens it anew and shows what follows.
func TestPlayAnotherHeader(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return playAnotherHeader(t) })
}

func playAnotherHeader(t *testing.T) (wrong []string) {
	t.Helper()
	c, other := makeClip(t, "wmv2", 1400), makeClip(t, "wmv2", 2000) // the same pictures
	m := startMortal(t, "", pushStream("live"))
	e := startEncoder(t, m, "live", []string{"push", c.file})
	waitLive(t, m.addr, streamPath("live"))
	settle(t, m.pump, "live")
	looping := vlcWith("--loop")
	looping.name = "VLC --loop"
	players := []staged{{ffmpeg, "mmsh"}, {vlc, "mmsh"}, {looping, "mmsh"}}
	s := stageAll(t, m, "live", playTime, players...)
	m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == int64(len(players)) })
	const before = playTime / 3
	<-time.After(before)
	e.kill9()
	m.awaitState(t, "live", "orphaned")
	startEncoder(t, m, "live", []string{"push", other.file})
	wrong = s.judge(c, func(who staged, show *showing) []string {
		if who.lossless && (!show.ended || show.early != nil) {
			return []string{fmt.Sprintf("ended %v, error %v; want an end without error", show.ended, show.early)}
		}
		b := breach{cut: who.cut()}
		first := *show // what is left of it at the change
		first.ended, first.trouble, first.length = false, nil, before
		if who.name == looping.name {
			b.begins = 1
		}
		return judgeBreach(&first, c, b, who.lossless)
	})
	m.awaitStatus(t, "live", "of two generations", func(s streamStatus) bool { return s.Generations == 2 })
	return wrong
}

// Players that come before the encoder wait for it.
func TestPlayHold(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return playHold(t) })
}

func playHold(t *testing.T) (wrong []string) {
	t.Helper()
	c := makeClip(t, "wmv2", 1400)
	m := startMortal(t, "", pushStream("live")+"hold = \"1m\"\n")
	players := []staged{{ffmpeg, "mmsh"}, {vlc, "mmsh"}, {ffmpeg, "http"}}
	s := stageAll(t, m, "live", playTime, players...)
	m.awaitMetric(t, "pumpd_connections", float64(len(players)))
	startEncoder(t, m, "live", []string{"push", c.file})
	wrong = s.judge(c, func(who staged, show *showing) []string {
		faults := judgeBreach(show, c, breach{cut: who.cut()}, who.lossless)
		if len(show.frames) > 0 && who.lossless && c.place[show.frames[0].sum] != 0 {
			faults = append(faults, "the encoder's first picture is missing")
		}
		return faults
	})
	return wrong
}

// The slate, made with the encoder's settings, fills the time in which the encoder is away: pictures never stop for
// longer than it takes to notice. That is less than the second that VLC buffers: after more VLC begins its clock anew,
// drops what it is decoding and shows damaged pictures up to the next key frame, whatever it is sent.
func TestPlaySlate(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return playSlate(t) })
}

func playSlate(t *testing.T) (wrong []string) {
	t.Helper()
	const slateAfter = 500 * time.Millisecond
	c, err := demoClip()
	if err != nil {
		t.Fatal(err)
	}
	m := startMortal(t, "", slateStreamAfter("live", slateAfter))
	push := []string{"push", "-loop", c.file}
	e := startEncoder(t, m, "live", push)
	m.awaitSource(t, "push")
	waitLive(t, m.addr, streamPath("live"))
	settle(t, m.pump, "live")
	players := []staged{{ffmpeg, "mmsh"}, {vlc, "mmsh"}}
	s := stageAll(t, m, "live", breachTime, players...)
	m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == int64(len(players)) })
	<-time.After(breachTime / 4)
	e.kill9()
	m.awaitSource(t, "slate")
	<-time.After(breachTime / 5)
	startEncoder(t, m, "live", push)
	m.awaitSource(t, "push")
	wrong = s.judge(c, func(who staged, show *showing) []string {
		var faults []string
		for i := 1; i < len(show.frames); i++ {
			if pause := show.frames[i].at - show.frames[i-1].at; pause > slateAfter+1500*time.Millisecond {
				faults = append(faults, fmt.Sprintf("no picture for %v, slate_after is %v", pause, slateAfter))
			}
		}
		loops := len(beginnings(show.frames, c)) - 1 // the clip is short and may begin by itself as well
		if loops < 1 {
			faults = append(faults, "the clip did not begin again with the slate")
		}
		return append(faults, judgeBreach(show, c, breach{away: slateAfter, begins: loops, cut: who.cut()}, who.lossless)...)
	})
	return wrong
}
