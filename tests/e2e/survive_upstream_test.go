package e2e

import (
	"fmt"
	"testing"
	"time"
)

// comeBack is how soon a chain must be whole again once the pump that was killed listens again.
const comeBack = 2 * time.Second

// keepTrying lets a synthetic encoder that loses the pump connect again.
var keepTrying = append(append([]string(nil), synthetic...), "-retry", "60s")

// The upstream of a pull is killed and started again, and its encoder connects to it again. Viewers of the pull stay;
// they lose what the encoder could not send, and see nothing twice.
func TestUpstreamKilled(t *testing.T) {
	t.Parallel()
	up := startMortal(t, "", pushStream("live"))
	startEncoder(t, up, "live", keepTrying)
	waitLive(t, up.addr, streamPath("live"))
	m := startMortal(t, "", pullStream("pulled", up.url("mmsh", "live")))
	waitLive(t, m.addr, streamPath("pulled"))
	all := startWitnesses(t, m.addr, "pulled")
	awaitAllMore(t, all, 30)
	up.kill(t)
	m.awaitState(t, "pulled", "orphaned")
	m.awaitCounters(t, "pulled", counters{Viewers: 4, Joined: 4, Generations: 1})
	up.start(t)
	awaitAllMore(t, all, 20)
	m.awaitState(t, "pulled", "live")
	m.awaitCounters(t, "pulled", counters{Viewers: 4, Joined: 4, Generations: 1})
	for _, w := range all {
		checkForward(t, w)
	}
}

// What ends the connection of a pull is made up for by the upstream's backlog: not a packet is lost or doubled.
func TestPullCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reset bool
	}{{"FIN without $E", false}, {"reset", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := startMortal(t, "burst = \"20s\"\nmax_lag = \"30s\"", pushStream("live"))
			startEncoder(t, up, "live", synthetic)
			waitLive(t, up.addr, streamPath("live"))
			l := startLink(t, up.addr, shape{})
			m := startMortal(t, "", pullStream("pulled", "mmsh://"+l.addr+streamPath("live")))
			waitLive(t, m.addr, streamPath("pulled"))
			all := startWitnesses(t, m.addr, "pulled")
			for range 3 {
				awaitAllMore(t, all, 20)
				l.cut(c.reset)
				m.awaitState(t, "pulled", "orphaned")
				l.allow()
			}
			awaitAllMore(t, all, 60)
			for _, w := range all {
				checkWhole(t, w)
			}
			m.awaitCounters(t, "pulled", counters{Viewers: 4, Joined: 4, Generations: 1})
		})
	}
}

// The pump in the middle of a chain of three is killed and started again. The chain is back in no time, nobody at its
// end is closed, and the backlog of the first makes up for what the second could not carry.
func TestChainKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	first := startMortal(t, "burst = \"20s\"\nmax_lag = \"30s\"", pushStream("live"))
	startEncoder(t, first, "live", synthetic)
	waitLive(t, first.addr, streamPath("live"))
	middle := startMortal(t, "burst = \"20s\"\nmax_lag = \"30s\"", pullStream("on", first.url("mmsh", "live")))
	waitLive(t, middle.addr, streamPath("on"))
	last := startMortal(t, "", pullStream("end", middle.url("mmsh", "on")))
	waitLive(t, last.addr, streamPath("end"))
	all := startWitnesses(t, last.addr, "end")
	const times = 3
	for i := range times {
		awaitAllMore(t, all, 30)
		middle.kill(t)
		last.awaitState(t, "end", "orphaned")
		if i == times-1 {
			<-time.After(6 * time.Second) // longer than the pauses between attempts would be, did nobody wait
		}
		have := all[0].count()
		middle.start(t)
		up := time.Now()
		a := all[0].await(t, fmt.Sprintf("packets after kill %d", i+1), func(a account) bool { return len(a.seen) > have })
		took := a.seen[have].at.Sub(up)
		if took > comeBack+starvation.allowance(up, a.seen[have].at) {
			t.Errorf("the chain was back %v after the pump in its middle was, limit %v", took, comeBack)
		} else {
			t.Logf("the chain was back after %v", took)
		}
	}
	awaitAllMore(t, all, 60)
	for _, w := range all {
		checkWhole(t, w)
	}
	last.awaitCounters(t, "end", counters{Viewers: 4, Joined: 4, Generations: 1})
}
