//go:build players

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What FFmpeg makes of breaches: its decoder forgives nothing, it shows every frame that arrives, and it tells of each
// that it has to conceal. All of these play one clip, whose pictures are known.
func TestPlayBreaches(t *testing.T) {
	t.Parallel()
	c := makeClip(t, "wmv2", 1400)
	for _, b := range []struct {
		name string
		play func(t *testing.T, c *clip) (wrong []string)
	}{
		{"encoder restarts", playEncoderRestarts},
		{"encoder stopped", playEncoderStopped},
		{"failover", func(t *testing.T, c *clip) []string { return playFailover(t, c, "urls") }},
		{"pair", func(t *testing.T, c *clip) []string { return playFailover(t, c, "pair") }},
		{"upstream flaps", playUpstreamFlaps},
		{"lossy links", playLossyLinks},
		{"half-open", playHalfOpen},
		{"clock jump", playClockJump},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			fairly(t, func() []string { return b.play(t, c) })
		})
	}
}

// breached plays the stream "live" of m while something happens to its source, which says for how long that was away.
// No more may be missing than b says, and the pump must have kept its viewers.
func breached(t *testing.T, m *mortal, c *clip, length time.Duration, b breach,
	happen func() (away time.Duration)) (wrong []string) {
	t.Helper()
	settle(t, m.pump, "live")
	s := stageAll(t, m, "live", length, staged{ffmpeg, "mmsh"}, staged{ffmpeg, "http"})
	m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == 2 })
	<-time.After(3 * time.Second)
	b.away = happen()
	kept := m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.State == "live" })
	if kept.Viewers != 2 || kept.Generations != 1 || kept.Skips != 0 {
		wrong = append(wrong, fmt.Sprintf("after the breach: %+v, want both viewers, one generation, no skips",
			kept.counters))
	}
	return append(wrong, s.judge(c, func(who staged, show *showing) []string {
		return judgeBreach(show, c, b, who.lossless)
	})...)
}

// The encoder is killed and comes back again and again.
func playEncoderRestarts(t *testing.T, c *clip) (wrong []string) {
	const times, each = 20, 500 * time.Millisecond
	m := startMortal(t, "", pushStream("live"))
	push := []string{"push", c.file}
	e := startEncoder(t, m, "live", push)
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, 25*time.Second, breach{begins: times, cut: times}, func() (away time.Duration) {
		for range times {
			gone := time.Now()
			e.kill9()
			e = startEncoder(t, m, "live", push)
			have, err := m.status("live")
			if err != nil {
				t.Fatal(err)
			}
			m.awaitStatus(t, "live", "fed by the encoder again", func(s streamStatus) bool { return s.Packet > have.Packet+5 })
			away += max(time.Since(gone), each)
			<-time.After(each)
		}
		return away
	})
}

// The encoder is stopped for 20 seconds and goes on where it was.
func playEncoderStopped(t *testing.T, c *clip) (wrong []string) {
	m := startMortal(t, "", pushStream("live"))
	e := startEncoder(t, m, "live", []string{"push", c.file})
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, 32*time.Second, breach{}, func() (away time.Duration) {
		e.pause()
		awaitSilence(time.Now(), 20*time.Second)
		e.resume()
		return 0 // all comes
	})
}

// One of two upstreams is killed and comes back; of a pair the other one falls silent then.
func playFailover(t *testing.T, c *clip, key string) (wrong []string) {
	origin := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, origin, "live", []string{"push", c.file})
	waitLive(t, origin.addr, streamPath("live"))
	a, b := startTwins(t, origin)
	m := startMortal(t, "", urlsStream("live", key, a, b))
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, playTime, breach{}, func() (away time.Duration) {
		a.kill(t)
		m.awaitUpstreams(t, "live", "failed, feeding")
		a.start(t)
		if key == "pair" {
			m.awaitUpstreams(t, "live", "standby, feeding")
			b.pause()
			t.Cleanup(b.resume) // it must end as it should
			m.awaitUpstreams(t, "live", "feeding, standby")
		}
		return 0
	})
}

// The upstream comes and goes every two seconds.
func playUpstreamFlaps(t *testing.T, c *clip) (wrong []string) {
	up := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, up, "live", []string{"push", c.file})
	waitLive(t, up.addr, streamPath("live"))
	l := startLink(t, up.addr, shape{})
	m := startMortal(t, "", pullStream("live", "mmsh://"+l.addr+streamPath("live")))
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, 25*time.Second, breach{}, func() (away time.Duration) {
		flap(l, 15*time.Second)
		return 0
	})
}

// Both hops lose 5 % and delay by 300 ms. They carry more than TCP would, for the clip needs it.
func playLossyLinks(t *testing.T, c *clip) (wrong []string) {
	quick := lossy
	quick.rate = 0
	first := startMortal(t, backlog, pushStream("live"))
	startBench(t, "push", c.file, "http://"+startLink(t, first.addr, quick).addr+streamPath("live")+"_push")
	waitLive(t, first.addr, streamPath("live"))
	m := startMortal(t, "", pullStream("live", "mmsh://"+startLink(t, first.addr, quick).addr+streamPath("live")))
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, playTime, breach{}, func() (away time.Duration) { return 0 })
}

// The cable to the upstream, which goes on behind it, is pulled: the connection stays open, and not even a reset comes.
func playHalfOpen(t *testing.T, c *clip) (wrong []string) {
	n := newNamespace(t)
	n.inside("ip", "link", "set", "lo", "up")
	config := filepath.Join(t.TempDir(), "pump.toml")
	upstream := net.JoinHostPort(n.there, "8086")
	text := fmt.Sprintf("[server]\nlisten = [%q]\nadmin = \"\"\n%s\n%s", upstream, backlog,
		pushStream("live")+"push_from = [\"198.18.0.0/15\"]\n")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	far := startTool(t, "pumpd", n.command(mustBuild(t, pumpdProgram), "-c", config))
	(&pump{process: far}).waitListening(t)
	startTool(t, "bench push", n.command(mustBuild(t, benchProgram), "push", c.file, "http://"+upstream+streamPath("live")+
		"_push"))
	m := startMortalOn(t, n.here, "[timeouts]\npull_stall = \"2s\"\n", pullStream("live", "mmsh://"+upstream+
		streamPath("live")))
	waitLive(t, m.addr, streamPath("live"))
	return breached(t, m, c, 25*time.Second, breach{}, func() (away time.Duration) {
		n.unplug()
		m.awaitState(t, "live", "orphaned")
		n.plug()
		return 0
	})
}
