//go:build players

package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// mmshPlayers open mmsh://, rawPlayers http://.
var (
	mmshPlayers = []player{ffmpeg, mpv, vlc, mplayer, libmms, xine}
	rawPlayers  = []player{gstreamer, ffmpeg, mpv, vlc, xine}
)

// The built-in clip, in a loop.
func TestPlayDemo(t *testing.T) {
	c, err := demoClip()
	if err != nil {
		t.Fatal(err)
	}
	p := startPump(t, "", fileStream("demo", ""))
	waitLive(t, p.addr, streamPath("demo"))
	settle(t, p, "demo")
	playAll(t, p, "demo", c, true)
}

// An encoder that strips padding, as they do, and a pump that leaves it away.
func TestPlayStrippedPush(t *testing.T) {
	c := makeClip(t, "wmv2", 1400)
	p := startPump(t, "strip_padding = true", pushStream("live"))
	push(t, p, "live", c, true)
	settle(t, p, "live")
	playAll(t, p, "live", c, false)
}

// An encoder that sends padding and a pump that sends it on, in packets as large as those of Expression Encoder:
// several frames share one.
func TestPlayPaddedPush(t *testing.T) {
	c := makeClip(t, "wmv2", 8192)
	p := startPump(t, "strip_padding = false", pushStream("live"))
	push(t, p, "live", c, false)
	settle(t, p, "live")
	playAll(t, p, "live", c, false)
}

// FFmpeg is the encoder, by the command of docs/encoders.md.
func TestPlayPushFromFFmpeg(t *testing.T) {
	c := makeClip(t, "wmv2", 1400)
	p := startPump(t, "", pushStream("news")+"push_users = [\"encoder:correct-horse\"]\n")
	text := recipe{file: "encoders.md", program: "sh"}.text(t)
	own := strings.NewReplacer("FILE", c.file, "SECRET", "correct-horse", "HOST:8086", p.addr, "NAME", "news")
	background(t, "ffmpeg", exec.Command("sh", "-c", "exec "+own.Replace(text)))
	waitLive(t, p.addr, streamPath("news"))
	settle(t, p, "news")
	play(t, p, "mmsh", "news", c, false, []player{ffmpeg, vlc, libmms})
	play(t, p, "http", "news", c, false, []player{ffmpeg})
}

// VLC is the upstream.
func TestPlayPullFromVLC(t *testing.T) {
	c := makeClip(t, "mpeg4", 2000)
	addr, path := startVLCServer(t, c)
	p := startPump(t, "", pullStream("pulled", "mmsh://"+addr+path))
	waitLive(t, p.addr, streamPath("pulled"))
	settle(t, p, "pulled")
	play(t, p, "mmsh", "pulled", c, false, mmshPlayers)
}

// A pump that gets a push is the upstream of another.
func TestPlayPullFromPump(t *testing.T) {
	c := makeClip(t, "wmv2", 1444)
	first := startPump(t, "", pushStream("live"))
	push(t, first, "live", c, true)
	second := startPump(t, "", pullStream("again", first.url("mmsh", "live")))
	waitLive(t, second.addr, streamPath("again"))
	settle(t, second, "again")
	playAll(t, second, "again", c, false)
}

// settle watches a stream, when it is up, until it is older than what a newcomer gets at once, so that players join in
// the middle of it and not at its first packet.
func settle(t *testing.T, p *pump, stream string) {
	t.Helper()
	const enough = 4500 // ms of send time: burst, and from one key frame to the next
	waitLive(t, p.addr, streamPath(stream))
	v := watch(t, p.addr, stream, agentHTTP)
	defer v.conn.Close()
	var first uint32
	for i := 0; ; i++ {
		b, err := v.packet(i)
		if err != nil {
			t.Fatalf("%s: packet %d: %v", stream, i, err)
		}
		parts, err := cutPacket(b)
		if err != nil {
			t.Fatalf("%s: packet %d: %v", stream, i, err)
		}
		if i == 0 {
			first = parts.sendTime
		}
		if parts.sendTime-first > enough {
			return
		}
	}
}

// playAll lets all players watch a stream at once.
func playAll(t *testing.T, p *pump, stream string, c *clip, loops bool) {
	play(t, p, "mmsh", stream, c, loops, mmshPlayers)
	play(t, p, "http", stream, c, loops, rawPlayers)
}

// play lets players watch a stream, as parallel subtests.
func play(t *testing.T, p *pump, scheme, stream string, c *clip, loops bool, players []player) {
	for _, who := range players {
		t.Run(scheme+"/"+who.name, func(t *testing.T) {
			t.Parallel()
			var show *showing
			fairly(t, func() []string {
				show = who.play(t, p.url(scheme, stream), playTime)
				return judge(show, c, loops, who.lossless)
			})
			if len(show.frames) > 0 {
				t.Logf("first picture after %v, then %d frames", show.frames[0].at, len(show.frames))
			}
			if t.Failed() {
				t.Log(show.excerpt(who))
			}
		})
	}
}
