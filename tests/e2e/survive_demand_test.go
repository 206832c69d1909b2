package e2e

import (
	"testing"
)

// A pull on demand connects with its first viewer, who is held until there is something to see, and lets the upstream
// go when nobody watches any more.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	origin := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, origin, "live", synthetic)
	waitLive(t, origin.addr, streamPath("live"))
	m := startMortal(t, "", pullStream("on", origin.url("mmsh", "live"))+
		"on_demand = true\nidle_close = \"1s\"\nhold = \"50s\"\n")
	viewed := func(n int64) {
		t.Helper()
		origin.awaitStatus(t, "live", "pulled as it should be", func(s streamStatus) bool { return s.Viewers == n })
	}
	viewed(0)
	m.awaitState(t, "on", "idle")
	for round := range int64(2) {
		all := startWitnesses(t, m.addr, "on")
		awaitAllMore(t, all, 10)
		viewed(1)
		m.awaitUpstreams(t, "on", "feeding")
		for _, w := range all {
			checkWhole(t, w)
			w.conn.Close()
		}
		viewed(0)
		m.awaitState(t, "on", "idle")
		m.awaitUpstreams(t, "on", "idle")
		gone := uint64(4 * (round + 1))
		m.awaitCounters(t, "on", counters{Joined: gone, Generations: uint64(round + 1),
			Left: map[string]uint64{"client_closed": gone}})
	}

	// Nothing is there: who waits is told so in the end, and not at once.
	origin.kill(t)
	held := make(chan error, 1)
	go func() {
		_, err := open(m.addr, "on", agentOld)
		held <- err
	}()
	m.awaitMetric(t, `pumpd_stream_viewers_waiting{stream="on"}`, 1)
	checkHeldUntil(t, held, origin)
}

// checkHeldUntil checks that a viewer has no answer before the origin is there with an encoder, and a good one then.
func checkHeldUntil(t *testing.T, held <-chan error, origin *mortal) {
	t.Helper()
	select {
	case err := <-held:
		t.Fatalf("a viewer whose upstream is away is not held: %v", err)
	default:
	}
	origin.start(t)
	startEncoder(t, origin, "live", synthetic)
	if err := <-held; err != nil {
		t.Errorf("a held viewer whose upstream has come back: %v", err)
	}
}
