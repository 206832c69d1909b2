package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Two pumps that pull from each other find it out and say so; nobody is served from such a circle. One of them that has
// another upstream as well is served by that, and never turns back to the other, which it prefers.
func TestCircle(t *testing.T) {
	t.Parallel()
	a := startMortal(t, "", pullStream("live", "mmsh://127.0.0.1:9/"))
	b := startMortal(t, "", pullStream("live", a.url("mmsh", "live")))
	a.kill(t)
	a.more = pullStream("live", b.url("mmsh", "live"))
	a.start(t)
	const circle = "upstream gets its stream from this pump"
	if !poll(awaitTime, func() bool { return a.logged(circle) || b.logged(circle) }) {
		t.Fatal("neither of two pumps that pull from each other says so")
	}
	for _, m := range []*mortal{a, b} {
		answer, conn, _, err := get(m.addr, streamPath("live"), agentOld, "Pragma: xPlayStrm=1\r\n")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a viewer of the circle gets %s, want 503", answer.Status)
		}
	}

	origin := startMortal(t, "", pushStream("live"))
	startEncoder(t, origin, "live", synthetic)
	waitLive(t, origin.addr, streamPath("live"))
	a.kill(t)
	a.more = fmt.Sprintf("[[streams]]\npath = \"live\"\ntype = \"mmsh_pull\"\nurls = [%q, %q]\nfailback = \"1s\"\n",
		b.url("mmsh", "live"), origin.url("mmsh", "live"))
	a.start(t)
	waitLive(t, b.addr, streamPath("live"))
	all := startWitnesses(t, b.addr, "live")
	awaitAllMore(t, all, 60) // some probes long
	a.awaitUpstreams(t, "live", "failed, feeding")
	if !poll(awaitTime, func() bool { return a.logged(circle) }) {
		t.Error("the pump does not say why it does not take its preferred upstream")
	}
	for _, w := range all {
		checkWhole(t, w)
	}
	b.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// logged says whether a running pump has logged something.
func (m *mortal) logged(text string) bool {
	lines, _ := m.out.lines()
	for _, l := range lines {
		if strings.Contains(l.text, text) {
			return true
		}
	}
	return false
}
