package e2e

import (
	"net"
	"testing"
)

// The connection ends without $E, whole or inside a frame; an encoder on the same clock goes on. Viewers get the
// packets of both as if nothing had been.
func TestEncoderHangsUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reset bool
		torn  bool // in the middle of a frame
	}{
		{"FIN", false, false},
		{"FIN in a frame", false, true},
		{"reset", true, false},
		{"reset in a frame", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testHangUp(t, c.reset, c.torn)
		})
	}
}

func testHangUp(t *testing.T, reset, torn bool) {
	m := startMortal(t, "strip_padding = false", pushStream("live"))
	first := pushTo(t, m.addr, "live", sampleHeader())
	sent := samplePackets(10*len(layouts), 20)
	first.send(t, 'D', sent[0])
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	half := len(sent) / 2 // a key frame
	for _, b := range sent[1:half] {
		first.send(t, 'D', b)
	}
	for _, w := range all {
		w.await(t, "the first half", func(a account) bool { return len(a.seen) == half })
	}
	if torn {
		if _, err := first.Write([]byte{'$', 'D', 0x90, 1, 0x82}); err != nil {
			t.Fatal(err)
		}
	}
	if reset {
		first.Conn.(*net.TCPConn).SetLinger(0)
	}
	first.Close()
	m.awaitState(t, "live", "orphaned")
	second := pushTo(t, m.addr, "live", sampleHeader())
	for _, b := range sent[half:] {
		second.send(t, 'D', b)
	}
	for _, w := range all {
		w.await(t, "the second half", func(a account) bool { return len(a.seen) == len(sent) })
	}
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
	second.end(t)
	for _, w := range all {
		w.awaitEnd(t, endOver[w.name])
		checkContent(t, w, sent)
	}
	m.awaitCounters(t, "live", counters{Joined: 4, Generations: 1, Left: map[string]uint64{"source_ended": 4}})
}

// checkContent wants the packets that were sent, and only those.
func checkContent(t *testing.T, w *witness, sent [][]byte) {
	t.Helper()
	a, _ := w.account()
	if len(a.seen) != len(sent) {
		t.Errorf("%s: %d packets, %d were sent", w.name, len(a.seen), len(sent))
	}
	for i := range min(len(a.seen), len(sent)) {
		want, err := cutPacket(sent[i])
		if err != nil {
			t.Fatal(err)
		}
		if a.seen[i].content() != want.content() {
			t.Errorf("%s: packet %d differs\ngot  %+v\nwant %+v", w.name, i, a.seen[i].packetParts, want)
			return
		}
	}
}
