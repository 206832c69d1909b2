package e2e

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Viewers that come before the encoder wait with an open reply, in every dialect, and get its very first packet. Those
// that lose patience are forgotten.
func TestHold(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live")+"hold = \"30s\"\n")
	impatient, err := net.Dial("tcp", m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()
	if _, err := io.WriteString(impatient, "GET /streams/live HTTP/1.0\r\nUser-Agent: NSPlayer/4.1.0.3856\r\n"+
		"Pragma: xPlayStrm=1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	m.awaitMetric(t, "pumpd_connections", 1)
	impatient.Close()
	m.awaitMetric(t, "pumpd_connections", 0) // it is forgotten at once

	answers := openAll(m.addr, "live")
	described := make(chan error, 1)
	go func() {
		_, err := describe(m.addr, "live")
		described <- err
	}()
	m.awaitMetric(t, "pumpd_connections", float64(len(allAgents)+1))
	select {
	case a := <-answers:
		t.Fatalf("a viewer is answered although there is no encoder: %+v", a)
	case err := <-described:
		t.Fatalf("a Describe is answered although there is no encoder: error %v", err)
	default:
	}
	startEncoder(t, m, "live", synthetic)
	if err := <-described; err != nil {
		t.Error(err)
	}
	checkFromTheFirst(t, answers, 20)
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// No encoder comes: then it is 503 after all, when hold is over and not before.
func TestHoldEnds(t *testing.T) {
	t.Parallel()
	const hold = 2 * time.Second
	m := startMortal(t, "", pushStream("live")+"hold = \"2s\"\n")
	begin := time.Now()
	answer, conn, _, err := get(m.addr, streamPath("live"), agentOld, "Pragma: xPlayStrm=1\r\n")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, Retry-After %q; want 503 and when to come again", answer.Status, answer.Header.Get("Retry-After"))
	}
	if took := time.Since(begin); took < hold-100*time.Millisecond || took > hold+15*time.Second {
		t.Errorf("the answer took %v, hold is %v", took, hold)
	}
	startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	awaitAllMore(t, startWitnesses(t, m.addr, "live"), 5)
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// An opened is what has come of a viewer that asked.
type opened struct {
	v   *viewer
	err error
}

// openAll has a viewer of each kind ask for a stream.
func openAll(addr, path string) <-chan opened {
	answers := make(chan opened, len(allAgents))
	for _, agent := range allAgents {
		go func() {
			v, err := open(addr, path, agent)
			answers <- opened{v, err}
		}()
	}
	return answers
}

// checkFromTheFirst takes the answers to all of them, and checks that each gets more packets, from the encoder's first
// one on.
func checkFromTheFirst(t *testing.T, answers <-chan opened, more int) {
	t.Helper()
	for range allAgents {
		a := <-answers
		if a.err != nil {
			t.Fatal(a.err)
		}
		t.Cleanup(func() { a.v.conn.Close() })
		w := newWitness(a.v)
		w.begin(t)
		if seen := w.awaitMore(t, more).seen; seen[0].number != 0 {
			t.Errorf("%s: packet %d comes first, want the encoder's first", w.name, seen[0].number)
		}
		checkWhole(t, w)
	}
}
