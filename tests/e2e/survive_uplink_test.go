package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A thinPump is a pump whose viewers are all behind one line of bench link, in a network namespace.
type thinPump struct {
	*mortal
	far *namespace
}

// thinStream is a stream of 300 kbit/s; a viewer takes 314 kbit/s of the line: 18 of them 5.7 Mbit/s, which is what a
// line of 6 Mbit/s has for viewers.
var thinStream = []string{"push", "-synthetic", "-bitrate", "300k", "-packet", "1400", "-gop", "2s"}

// thinLine carries 6 Mbit/s, and takes 50 ms there and back.
var thinLine = []string{"-rate", "6Mbit", "-queue", "250ms", "-delay", "25ms"}

func startThin(t *testing.T, uplink string, line ...string) *thinPump {
	t.Helper()
	n := newNamespace(t)
	n.emulate(line...)
	m := startMortalOn(t, n.here, fmt.Sprintf("uplink = %q", uplink),
		pushStream("live")+"push_from = [\"198.18.0.0/15\"]\n")
	startBench(t, append(thinStream[:len(thinStream):len(thinStream)], m.pushURL("live"))...)
	waitLive(t, m.addr, streamPath("live"))
	return &thinPump{m, n}
}

// A crowd is what bench load says of the viewers behind the line.
type crowd struct {
	Watching int64
	Silent   int64
	Failures map[string]int64
	Refusals map[string]int64
	Faults   map[string]int64
	Latency  struct{ P99 float64 } `json:"latency_ms"`
}

// load runs bench load behind the line until it ends; all its viewers check what they get.
func (p *thinPump) load(t *testing.T, args ...string) crowd {
	t.Helper()
	report := filepath.Join(t.TempDir(), "load.json")
	args = append([]string{mustBuild(t, benchProgram), "load", "-quiet", "-sample", "100%", "-json", report}, args...)
	run := startTool(t, "bench load", p.far.command(append(args, "mmsh://"+p.addr+streamPath("live"))...))
	<-run.ended // exits with 1 where some were refused
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("bench load: %v, %v", run.err, err)
	}
	var c crowd
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %+v", p.addr, c)
	return c
}

func (p *thinPump) ended(t *testing.T) float64 {
	t.Helper()
	return p.metric(t, `pumpd_stream_viewers_left_total{reason="uplink",stream="live"}`)
}

// Of more viewers than the line carries as many get in as it does, and they get every packet, in time; the others are
// told so.
func TestUplinkIsFilledAndNoMore(t *testing.T) {
	t.Parallel()
	fairly(t, func() []string { return fillLine(t) })
}

// fillLine says what was wrong.
func fillLine(t *testing.T) (wrong []string) {
	t.Helper()
	p := startThin(t, "6Mbit", thinLine...)
	// Little of a full line is left for the key frames that the last ones begin with: one got its own after 5.7 s.
	c := p.load(t, "-n", "36", "-ramp", "12", "-settle", "10s", "-duration", "8s", "-silence", "15s")
	if c.Watching < 17 || c.Watching > 19 || c.Watching+c.Refusals["503"] != 36 {
		wrong = append(wrong, fmt.Sprintf("%d watch, %d refused, want 18 and the others", c.Watching, c.Refusals["503"]))
	}
	if ended := p.ended(t); len(c.Faults) > 0 || c.Silent > 0 || ended > 0 {
		wrong = append(wrong, fmt.Sprintf("faults %v, %d silent, %v ended", c.Faults, c.Silent, ended))
	}
	if c.Latency.P99 > 5000 { // it is 60 ms to 3.5 s, by how late the last ones are; without the guard it is many seconds
		wrong = append(wrong, fmt.Sprintf("p99 of the latency: %.0f ms", c.Latency.P99))
	}
	return wrong
}

// Packets that are lost on a long way are no full line, and neither are a few viewers who read too slowly.
func TestUplinkLossIsNoAlarm(t *testing.T) {
	t.Parallel()
	fairly(t, func() (wrong []string) {
		p := startThin(t, "auto", "-delay", "50ms", "-loss", "1%")
		c := p.load(t, "-n", "20", "-ramp", "20", "-slow", "6", "-settle", "2s", "-duration", "12s")
		if c.Watching != 26 || len(c.Faults) > 0 || len(c.Refusals) > 0 || p.logs("the line is full") > 0 {
			wrong = append(wrong, fmt.Sprintf("%d of 26 watch, faults %v, refused %v, %d alarms", c.Watching, c.Faults,
				c.Refusals, p.logs("the line is full")))
		}
		return wrong
	})
}

// logs counts the lines of the log that have a text.
func (p *thinPump) logs(text string) (n int) {
	lines, _ := p.out.lines()
	for _, l := range lines {
		if strings.Contains(l.text, text) {
			n++
		}
	}
	return n
}
