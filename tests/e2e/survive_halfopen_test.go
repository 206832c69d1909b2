package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The cable to an encoder, an upstream and a viewer is pulled: their connections stay open and nothing comes any more,
// not even a reset. The pump gives each up in the time that its configuration says, viewers elsewhere stay, and all
// goes on when the cable is in again.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	remote := func(args ...string) *process {
		t.Helper()
		return startTool(t, "bench "+args[0], n.command(append([]string{mustBuild(t, benchProgram)}, args...)...))
	}
	with := func(more ...string) []string { return append(append([]string(nil), synthetic...), more...) }
	remote(with("-serve", net.JoinHostPort(n.there, "7070"))...)
	m := startMortalOn(t, n.here,
		"[timeouts]\nsource_idle = \"10s\"\npull_stall = \"2s\"\nstall = \"2s\"\nsource_grace = \"60s\"\n",
		pushStream("pushed")+"push_from = [\"198.18.0.0/15\"]\n"+
			pullStream("pulled", "mmsh://"+net.JoinHostPort(n.there, "7070")+"/live")+fileStream("demo", ""))
	encoder := remote(with(m.pushURL("pushed"))...)
	for _, stream := range []string{"pushed", "pulled", "demo"} {
		waitLive(t, m.addr, streamPath(stream))
	}
	pushed, pulled, demo := startWitnesses(t, m.addr, "pushed"), startWitnesses(t, m.addr, "pulled"),
		startWitness(t, m.addr, "demo", agentOld)
	watchFrom(t, n, m.addr, "demo")
	awaitAllMore(t, append(append([]*witness{demo}, pushed...), pulled...), 20)
	m.awaitCounters(t, "demo", counters{Viewers: 2, Joined: 2, Generations: 1})

	n.unplug()
	since := time.Now()
	m.awaitState(t, "pulled", "orphaned")
	m.awaitState(t, "pushed", "orphaned")
	t.Logf("sources were given up after %v", time.Since(since))
	m.awaitStatus(t, "demo", "left by the viewer without a cable", func(s streamStatus) bool { return s.Viewers == 1 })
	m.awaitCounters(t, "demo", counters{Viewers: 1, Joined: 2, Generations: 1, Left: map[string]uint64{"stalled": 1}})
	demo.awaitMore(t, 20)
	m.awaitMetric(t, `pumpd_connections_ended_total{reason="source_silent"}`, 1)

	n.plug()
	encoder.kill9()
	remote(with(m.pushURL("pushed"))...)
	awaitAllMore(t, append(pushed, pulled...), 20)
	for _, w := range pulled {
		checkForward(t, w)
	}
	for _, w := range pushed {
		a, _ := w.account()
		if parts := runs(a.seen); len(parts) != 2 || len(a.heads) != 1 {
			t.Errorf("%s: %s, %d headers; want two runs, one header", w.name, describeRuns(parts), len(a.heads))
		} else {
			checkMoved(t, w.name, parts[0], parts[1])
		}
	}
	for _, stream := range []string{"pushed", "pulled"} {
		m.awaitCounters(t, stream, counters{Viewers: 4, Joined: 4, Generations: 1})
	}
}

// watchFrom opens a stream from inside a namespace and reads what comes.
func watchFrom(t *testing.T, n *namespace, addr, stream string) {
	t.Helper()
	conn, err := n.dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", streamPath(stream), agentOld)
	status := make([]byte, 12)
	conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(conn, status); err != nil || !strings.HasSuffix(string(status), " 200") {
		t.Fatalf("from %s: %q, error %v, want status 200", n.there, status, err)
	}
	conn.SetReadDeadline(time.Time{})
	go io.Copy(io.Discard, conn)
}
