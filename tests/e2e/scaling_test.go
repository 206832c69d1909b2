//go:build players

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// scalingBlock is a block of docs/scaling.md. The [server] of a pump's is the one that a mortal has already.
func scalingBlock(t *testing.T, mark string, nth int) string {
	t.Helper()
	return strings.TrimPrefix(recipe{program: mark, nth: nth, file: "scaling.md"}.text(t), "[server]\n")
}

// pushEncoder is an encoder with the password of docs/scaling.md.
func pushEncoder(t *testing.T, m *mortal) {
	t.Helper()
	args := append([]string(nil), synthetic...)
	startBench(t, append(args, "http://encoder:secret@"+m.addr+streamPath("news")+"_push")...)
	waitLive(t, m.addr, streamPath("news"))
}

// An origin that has no place left for viewers has one for an edge, which serves them.
func TestScaleToEdges(t *testing.T) {
	t.Parallel()
	few := strings.NewReplacer("max_viewers = 1000", "max_viewers = 5")
	origin := startMortal(t, "", few.Replace(scalingBlock(t, "toml", 0)))
	pushEncoder(t, origin)
	for range 4 {
		watch(t, origin.addr, "news", agentOld)
	}
	if v, err := open(origin.addr, "news", agentOld); err == nil {
		v.conn.Close()
		t.Error("the origin lets in a viewer where there is room for pumps only")
	}
	own := strings.NewReplacer("origin.example:8086", origin.addr)
	edge := startMortal(t, "", own.Replace(scalingBlock(t, "toml", 1)))
	waitLive(t, edge.addr, streamPath("news"))
	all := startWitnesses(t, edge.addr, "news")
	awaitAllMore(t, all, 20)
}

// Of two origins behind a pump that pushes on to both one dies, and no viewer of an edge misses anything.
func TestScaleWithTwoOrigins(t *testing.T) {
	t.Parallel()
	one, other := startMortal(t, "", scalingBlock(t, "toml", 0)), startMortal(t, "", scalingBlock(t, "toml", 0))
	own := strings.NewReplacer("one.example:8086", one.addr, "other.example:8086", other.addr)
	near := startMortal(t, "", own.Replace(scalingBlock(t, "toml", 2)))
	startEncoder(t, near, "news", synthetic)
	edge := startMortal(t, "", own.Replace(scalingBlock(t, "toml", 3)))
	waitLive(t, edge.addr, streamPath("news"))
	all := startWitnesses(t, edge.addr, "news")
	awaitAllMore(t, all, 20)
	one.kill(t)
	awaitAllMore(t, all, 40)
	for _, w := range all {
		checkWhole(t, w)
	}
}

// steering are the programs of docs/scaling.md that send viewers to the pump of their network.
var steering = []struct {
	name, program string
	players       []player
	command       func(t *testing.T, config string) *exec.Cmd
}{
	{"nginx", "nginx", []player{ffmpeg, mpv, vlc, mplayer, libmms, xine}, nginx},
	{"HAProxy", "haproxy", []player{ffmpeg, mpv, vlc, mplayer, libmms, xine}, haproxy},
}

// Players of network X play at its pump, those that follow no redirect as well, and others elsewhere.
func TestScaleByNetworks(t *testing.T) {
	c, err := demoClip()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steering {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			needProgram(t, s.program, s.program)
			a, b := startNeighbours(t, trusting, fileStream("demo", ""))
			settle(t, b.pump, "demo")
			before, err := b.status("demo")
			if err != nil {
				t.Fatal(err)
			}
			addr := freePort(t)
			own := asNeighbours(a, b, "listen 80;", "listen "+addr+";", "bind :80", "bind "+addr,
				"198.51.100.0/24", "127.0.0.1/32")
			table := writeConfig(t, own.Replace(scalingBlock(t, "map", 0)))
			config := strings.ReplaceAll(own.Replace(scalingBlock(t, s.program, 0)), "/etc/haproxy/near.map", table)
			background(t, s.name, s.command(t, config))
			awaitListener(t, s.name, addr)
			checkSteering(t, addr, a.addr, b.addr)
			front := &pump{process: b.process, addr: addr}
			t.Run("play", func(t *testing.T) {
				play(t, front, "mmsh", "demo", c, true, s.players)
				play(t, front, "http", "demo", c, true, []player{ffmpeg, vlc, gstreamer})
			})
			after, err := b.status("demo")
			if want := uint64(len(s.players) + 3); err != nil || after.Joined-before.Joined < want {
				t.Errorf("%d joined at the pump of their network, error %v; want %d", after.Joined-before.Joined, err, want)
			}
		})
	}
}

// startNeighbours runs two pumps with the same port, as those of docs/scaling.md have it, at two addresses.
func startNeighbours(t *testing.T, server, streams string) (a, b *mortal) {
	t.Helper()
	a = startMortal(t, server, streams)
	_, port, _ := net.SplitHostPort(a.addr)
	return a, startMortalAt(t, net.JoinHostPort(newHost(), port), server, streams)
}

// asNeighbours puts such pumps in the place of a.example and b.example; more is said first.
func asNeighbours(a, b *mortal, more ...string) *strings.Replacer {
	hostA, port, _ := net.SplitHostPort(a.addr)
	hostB, _, _ := net.SplitHostPort(b.addr)
	return strings.NewReplacer(append(more, "a.example", hostA, "b.example", hostB, ":8086", ":"+port)...)
}

// checkSteering asks as each kind of player does, from network X, whose pump is b, and from another.
func checkSteering(t *testing.T, addr, a, b string) {
	t.Helper()
	for _, c := range []struct{ protocol, agent, scheme string }{
		{"HTTP/1.1", agentOld, "http"}, // FFmpeg
		{"HTTP/1.0", agentOld, ""},     // MPlayer, libmms, xine
		{"HTTP/1.0", "NSPlayer/7.10.0.3059", "mmsh"},
		{"HTTP/1.1", "NSPlayer/12.0.7601.17514", "http"},
		{"HTTP/1.0", "NSPlayer/6.4.9.1", ""},
		{"HTTP/1.0", "MPlayer 1.5", "http"},
		{"HTTP/1.1", agentHTTP, "http"},
	} {
		for from, to := range map[string]string{"127.0.0.1": b, "127.0.0.7": a} {
			want := "302 " + c.scheme + "://" + to + "/streams/demo?sig=a%2Fb"
			if c.scheme == "" {
				want = "200 "
			}
			conn := dialFrom(t, from, addr)
			fmt.Fprintf(conn, "GET /streams/demo?sig=a%%2Fb %s\r\nHost: watch.example\r\nUser-Agent: %s\r\n"+
				"Pragma: no-cache,request-context=1\r\n\r\n", c.protocol, c.agent)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(answer.StatusCode, " ", answer.Header.Get("Location")); got != want {
				t.Errorf("%s by %s from %s: %q, want %q", c.agent, c.protocol, from, got, want)
			}
			conn.Close()
		}
	}
}
