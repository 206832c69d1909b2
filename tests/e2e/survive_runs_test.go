package e2e

import (
	"fmt"
	"testing"
	"time"
)

// checkMoved wants the first packet of a restarted synthetic source, with its time moved by the outage.
func checkMoved(t *testing.T, name string, before, after []sighting) {
	t.Helper()
	last, next := before[len(before)-1], after[0]
	if next.number != 0 || !next.key {
		t.Errorf("%s: packet %d, key frame %v, comes first after the outage; want the encoder's first", name, next.number,
			next.key)
	}
	tolerance := 700*time.Millisecond + starvation.allowance(last.at.Add(-time.Second), next.at)
	outage := next.at.Sub(last.at)
	moved := time.Duration(int32(next.sendTime-last.sendTime)) * time.Millisecond
	if off := moved - outage; off < -tolerance || off > tolerance {
		t.Errorf("%s: send time goes on %v after the last, the outage took %v", name, moved, outage)
	}
}

// runs cuts packets of a synthetic source where one does not follow the one before.
func runs(seen []sighting) (parts [][]sighting) {
	begin := 0
	for i := range seen {
		if i > 0 && (seen[i].number != seen[i-1].number+1 || seen[i].generation != seen[i-1].generation) {
			parts, begin = append(parts, seen[begin:i]), i
		}
	}
	if begin < len(seen) {
		parts = append(parts, seen[begin:])
	}
	return parts
}

func describeRuns(parts [][]sighting) string {
	text := fmt.Sprintf("%d runs of packets:", len(parts))
	for _, p := range parts {
		text += fmt.Sprintf(" %d-%d", p[0].number, p[len(p)-1].number)
	}
	return text
}

// checkForward wants the packets of one synthetic source under one header, in its order and none twice; some may be
// missing.
func checkForward(t *testing.T, w *witness) {
	t.Helper()
	a, _ := w.account()
	if len(a.heads) != 1 {
		t.Errorf("%s: %d headers, want one", w.name, len(a.heads))
	}
	parts := runs(a.seen)
	for i := 1; i < len(parts); i++ {
		if last := parts[i-1][len(parts[i-1])-1].number; parts[i][0].number <= last {
			t.Errorf("%s: packet %d follows packet %d", w.name, parts[i][0].number, last)
		}
	}
}

// checkWhole wants all of the packets of one synthetic source, from the first that was seen on.
func checkWhole(t *testing.T, w *witness) {
	t.Helper()
	a, _ := w.account()
	if parts := runs(a.seen); len(parts) != 1 || len(a.heads) != 1 {
		t.Errorf("%s: %s, %d headers; want one of each", w.name, describeRuns(parts), len(a.heads))
	}
}
