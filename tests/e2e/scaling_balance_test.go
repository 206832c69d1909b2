//go:build players

package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// HAProxy deals viewers out evenly to two edges of one origin, and players may have the header from one and the stream
// from the other. An edge that drains gets nobody new.
func TestScaleByConnections(t *testing.T) {
	needProgram(t, "haproxy", "haproxy")
	c := makeClip(t, "wmv2", 1400)
	origin := startMortal(t, "", scalingBlock(t, "toml", 0))
	pushNews(t, "encoder:secret@"+origin.addr, c)
	waitLive(t, origin.addr, streamPath("news"))
	pull := pullStream("news", origin.url("mmsh", "news"))
	a, b := startNeighbours(t, trusting, "[timeouts]\ndrain = \"1h\"\n"+pull)
	settle(t, a.pump, "news")
	settle(t, b.pump, "news")
	addr := freePort(t)
	// The admins have ports of their own here.
	own := asNeighbours(a, b, "bind :80", "bind "+addr, "check port 8087", "check",
		"server a a.example:8086", "server a "+a.addr+" port "+lastPort(a.admin)+" addr 127.0.0.1",
		"server b b.example:8086", "server b "+b.addr+" port "+lastPort(b.admin)+" addr 127.0.0.1")
	background(t, "HAProxy", haproxy(t, own.Replace(scalingBlock(t, "haproxy", 1))))
	awaitListener(t, "HAProxy", addr)
	for range 8 {
		watch(t, addr, "news", agentOld)
	}
	for _, m := range []*mortal{a, b} {
		m.awaitStatus(t, "news", "watched by 4", func(s streamStatus) bool { return s.Viewers == 4 })
	}
	t.Run("play", func(t *testing.T) {
		play(t, &pump{process: b.process, addr: addr}, "mmsh", "news", c, false, []player{ffmpeg, mpv, vlc, mplayer, libmms})
	})
	a.cmd.Process.Signal(syscall.SIGTERM)
	a.says(t, "draining")
	inRow := 0
	if !poll(patience, func() bool {
		v, err := open(addr, "news", agentOld)
		if err != nil {
			inRow = 0 // it has come to the one that drains, which had as few
			return false
		}
		t.Cleanup(func() { v.conn.Close() })
		inRow++
		return inRow == 4
	}) {
		t.Error("newcomers are not all sent to the edge that does not drain")
	}
}

func lastPort(addr string) string { _, port, _ := net.SplitHostPort(addr); return port }

// Prometheus finds the pumps up, by the names that they are told.
func TestScaleScraped(t *testing.T) {
	t.Parallel()
	needProgram(t, "prometheus", "prometheus")
	needProgram(t, "promtool", "prometheus")
	known := strings.ReplaceAll(scalingBlock(t, "toml", 5), "admin = \"192.0.2.11:8087\"\n", "") // it has one
	a := startMortal(t, known, fileStream("demo", ""))
	b := startMortal(t, strings.ReplaceAll(known, "a.example", "b.example"), "")
	own := strings.NewReplacer("a.example:8087", "a.example:"+lastPort(a.admin),
		"b.example:8087", "b.example:"+lastPort(b.admin))
	config := writeConfig(t, "global: {scrape_interval: 1s}\n"+own.Replace(scalingBlock(t, "yaml", 0)))
	sh(t, t.TempDir(), "promtool check config "+config)
	addr := freePort(t)
	background(t, "Prometheus", withFile(t, "/etc/hosts", "127.0.0.1 a.example b.example\n", "prometheus",
		"--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+addr))
	up := func() bool {
		answer, err := http.Get("http://" + addr + "/api/v1/query?query=sum(up)")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		var found struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		err = json.NewDecoder(answer.Body).Decode(&found)
		return err == nil && len(found.Data.Result) == 1 && found.Data.Result[0].Value[1] == "2"
	}
	if !poll(patience, up) {
		t.Error("Prometheus does not find two pumps")
	}
}
