package e2e

import (
	"net"
	"testing"
	"time"
)

// slim is half of what TCP carries over a lossy link.
var slim = []string{"push", "-synthetic", "-bitrate", "48k", "-packet", "500", "-gop", "500ms"}

// Every hop of a chain of two pumps loses 5 % and delays by 300 ms each way: encoder, pull and viewers. The stream, at
// half of what such a link carries, still arrives whole, and no pump takes the delay for a loss. The links are a
// stand-in for real loss, see link.
func TestLossyLinks(t *testing.T) {
	t.Parallel()
	first := startMortal(t, "", pushStream("live"))
	toFirst := startLink(t, first.addr, lossy)
	startBench(t, append(slim[:len(slim):len(slim)], "http://"+toFirst.addr+streamPath("live")+"_push")...)
	waitLive(t, first.addr, streamPath("live"))
	toPull := startLink(t, first.addr, lossy)
	second := startMortal(t, "", pullStream("on", "mmsh://"+toPull.addr+streamPath("live")))
	waitLive(t, second.addr, streamPath("on"))
	toViewers := startLink(t, second.addr, lossy)
	all := startWitnesses(t, toViewers.addr, "on")
	const long = 10 * time.Second
	begin := time.Now()
	awaitAllMore(t, all, int(long.Seconds()*48e3/8/500))
	t.Logf("%v of stream took %v", long, time.Since(begin))
	for _, w := range all {
		checkWhole(t, w)
	}
	want := counters{Viewers: 4, Joined: 4, Generations: 1}
	second.awaitCounters(t, "on", want)
	first.awaitCounters(t, "live", counters{Viewers: 1, Joined: 1, Generations: 1}) // the pull never came again
}

// The same with packets that are really lost: one hop, behind which a source is pulled from.
func TestNetem(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	n.impair("300ms", "5%")
	upstream := net.JoinHostPort(n.there, "7070")
	startTool(t, "bench push", n.command(append(append([]string{mustBuild(t, benchProgram)}, slim...), "-serve",
		upstream)...))
	m := startMortalOn(t, n.here, "", pullStream("on", "mmsh://"+upstream+"/live")+"hold = \"30s\"\n")
	all := startWitnesses(t, m.addr, "on")
	for range 6 {
		awaitAllMore(t, all, 20)
	}
	for _, w := range all {
		checkWhole(t, w)
	}
	m.awaitCounters(t, "on", counters{Viewers: 4, Joined: 4, Generations: 1})
}
