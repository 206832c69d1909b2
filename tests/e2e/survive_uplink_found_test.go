//go:build players

package e2e

import (
	"fmt"
	"testing"
)

// These take a minute and a half in which nothing else is to run: they are with the players.

// Where nothing is configured the pump finds out.
func TestUplinkAuto(t *testing.T) {
	fairly(t, func() []string { return findLine(t) })
}

// findLine says what was wrong.
func findLine(t *testing.T) (wrong []string) {
	t.Helper()
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	p := startThin(t, "auto", thinLine...)
	c := p.load(t, "-n", "36", "-ramp", "12", "-settle", "12s", "-duration", "8s")
	if c.Watching < 15 || c.Watching > 20 || c.Watching+c.Refusals["503"]+int64(p.ended(t)) != 36 {
		fault("%d watch, %d refused, %v ended, want at least 15 of the 18 that fit", c.Watching, c.Refusals["503"],
			p.ended(t))
	}
	if len(c.Faults) > 0 || c.Latency.P99 > 5000 {
		fault("faults %v, p99 %.0f ms", c.Faults, c.Latency.P99)
	}
	return wrong
}

// When the line narrows, the newest viewers are ended, and the others go on; when it is wide again newcomers get in.
func TestUplinkNarrows(t *testing.T) {
	fairly(t, func() []string { return narrowLine(t) })
}

// narrowLine says what was wrong.
func narrowLine(t *testing.T) (wrong []string) {
	t.Helper()
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	p := startThin(t, "6Mbit", append([]string{"-at", "12s:rate=3600kbit", "-at", "32s:rate=6Mbit"}, thinLine...)...)
	old := make(chan crowd)
	go func() { old <- p.load(t, "-n", "8", "-ramp", "8", "-settle", "2s", "-duration", "34s") }()
	if !poll(patience, func() bool { return p.metric(t, `pumpd_stream_viewers{stream="live"}`) == 8 }) {
		t.Fatal("the first viewers do not come in")
	}
	c := p.load(t, "-n", "9", "-ramp", "9", "-settle", "1s", "-duration", "20s")
	if n := c.Failures["connection reset by peer"]; n < 5 || n > 9 || int64(p.ended(t)) != n {
		fault("%d of the newest 9 were ended, %v by the pump's account, want 7", n, p.ended(t))
	}
	late := p.load(t, "-n", "6", "-ramp", "6", "-reconnect", "-patience", "40s", "-settle", "0s", "-duration", "15s")
	// Until the pump knows, one of them may have been so late that it was moved to a newer key frame.
	if first := <-old; first.Watching != 8 || first.Faults["gap"] > 1 || first.Faults["location_id"] > 1 ||
		int64(len(first.Faults)) > first.Faults["gap"]+first.Faults["location_id"] || first.Silent > 0 {
		fault("of the first: %d of 8 watch, faults %v, %d silent", first.Watching, first.Faults, first.Silent)
	}
	if late.Watching == 0 {
		fault("nobody got in when the line was wide again")
	}
	if lines := p.logs("the line is full"); lines == 0 {
		fault("the log does not say that the line is full")
	}
	return wrong
}
