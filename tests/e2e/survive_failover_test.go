package e2e

import (
	"fmt"
	"testing"
	"time"
)

// failoverLimit is how long viewers may hear nothing when an upstream fails and there is another one.
const failoverLimit = 2 * time.Second

// backlog makes a pump one that others can pull from without missing anything.
const backlog = "burst = \"20s\"\nmax_lag = \"30s\""

// startTwins runs two pumps that pull the stream "live" of one origin.
func startTwins(t *testing.T, origin *mortal) (a, b *mortal) {
	t.Helper()
	pull := pullStream("live", origin.url("mmsh", "live"))
	a, b = startMortal(t, backlog, pull), startMortal(t, backlog, pull)
	waitLive(t, a.addr, streamPath("live"))
	waitLive(t, b.addr, streamPath("live"))
	return a, b
}

func urlsStream(path, key string, a, b *mortal) string {
	return fmt.Sprintf("[[streams]]\npath = %q\ntype = \"mmsh_pull\"\n%s = [%q, %q]\n", path, key, a.url("mmsh", "live"),
		b.url("mmsh", "live"))
}

// The preferred one of two upstreams is killed, comes back, and falls silent: viewers miss nothing and never wait for
// long.
func TestFailover(t *testing.T) {
	t.Parallel()
	origin := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, origin, "live", synthetic)
	waitLive(t, origin.addr, streamPath("live"))
	a, b := startTwins(t, origin)
	m := startMortal(t, "", urlsStream("on", "urls", a, b)+"failback = \"5s\"\n")
	waitLive(t, m.addr, streamPath("on"))
	all := startWitnesses(t, m.addr, "on")
	awaitAllMore(t, all, 20)
	m.awaitUpstreams(t, "on", "feeding, idle")
	a.kill(t)
	awaitAllMore(t, all, 20)
	m.awaitUpstreams(t, "on", "failed, feeding")
	a.start(t)
	m.awaitUpstreams(t, "on", "returning, feeding")
	m.awaitUpstreams(t, "on", "feeding, idle")
	awaitAllMore(t, all, 20)
	a.pause()
	m.awaitUpstreams(t, "on", "failed, feeding")
	awaitAllMore(t, all, 20)
	a.resume()
	for _, w := range all {
		checkWhole(t, w)
		checkPauses(t, w, failoverLimit)
	}
	m.awaitCounters(t, "on", counters{Viewers: 4, Joined: 4, Generations: 1})
	if s, err := m.status("on"); err != nil || s.Switches != 2 {
		t.Errorf("%d switches, error %v; want one back and one from silence", s.Switches, err)
	}
}

// checkPauses wants a witness never to have waited for longer than limit.
func checkPauses(t *testing.T, w *witness, limit time.Duration) {
	t.Helper()
	a, _ := w.account()
	for i := 1; i < len(a.seen); i++ {
		last, next := a.seen[i-1].at, a.seen[i].at
		if pause := next.Sub(last); pause > limit && pause > limit+starvation.allowance(last, next) {
			t.Errorf("%s: packet %d came %v after the one before, limit %v", w.name, i, pause, limit)
		}
	}
}

// Two pumps with one encoder are a pair for a third: whichever of them is killed or falls silent, a viewer behind gets
// the very bytes that one at the origin gets.
func TestPairIsExact(t *testing.T) {
	t.Parallel()
	origin := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, origin, "live", synthetic)
	waitLive(t, origin.addr, streamPath("live"))
	a, b := startTwins(t, origin)
	// Neither of them is to be taken for silent on a machine that has much else to do.
	m := startMortal(t, "", urlsStream("on", "pair", a, b)+"pair_switch = \"1s\"\n")
	waitLive(t, m.addr, streamPath("on"))
	const first, second = "feeding, standby", "standby, feeding"
	began := m.awaitStatus(t, "on", "fed with another standing by", func(s streamStatus) bool {
		return s.upstreams() == first || s.upstreams() == second
	}).upstreams()
	turned := first
	if began == first {
		turned = second
	} else {
		a, b = b, a
	}
	var pairs [][2]*witness
	var all []*witness
	for _, agent := range allAgents {
		w := startWitness(t, origin.addr, "live", agent)
		v := startWitness(t, m.addr, "on", agent)
		pairs, all = append(pairs, [2]*witness{w, v}), append(all, v)
	}
	awaitAllMore(t, all, 20)
	a.kill(t)
	awaitAllMore(t, all, 20)
	a.start(t)
	m.awaitUpstreams(t, "on", turned)
	awaitAllMore(t, all, 10)
	b.pause()
	m.awaitUpstreams(t, "on", began)
	awaitAllMore(t, all, 20)
	b.resume()
	awaitAllMore(t, all, 20)
	for _, p := range pairs {
		checkWhole(t, p[1])
		checkPauses(t, p[1], failoverLimit)
		checkSameBytes(t, p[0], p[1])
	}
	m.awaitCounters(t, "on", counters{Viewers: 4, Joined: 4, Generations: 1})
	if s, err := m.status("on"); err != nil || s.Switches != 2 {
		t.Errorf("%d switches, error %v; want two", s.Switches, err)
	}
}

// checkSameBytes wants every packet that w saw as v saw the packet of that number.
func checkSameBytes(t *testing.T, v, w *witness) {
	t.Helper()
	want := map[int64]uint64{}
	a, _ := v.account()
	for _, s := range a.seen {
		want[s.number] = s.hash
	}
	compared := 0
	a, _ = w.account()
	for _, s := range a.seen {
		if hash, ok := want[s.number]; ok {
			if compared++; hash != s.hash {
				t.Errorf("%s: packet %d has other bytes than at the origin", w.name, s.number)
				return
			}
		}
	}
	if compared < 50 {
		t.Errorf("%s: %d of %d packets compared", w.name, compared, len(a.seen))
	}
}
