package stream

import (
	"testing"
	"time"

	"pumpd/server/clock"
)

func TestAllowance(t *testing.T) {
	var a allowance
	q := quota{most: 3, refill: time.Second}
	now := clock.Instant(time.Hour)
	for i, c := range []struct {
		pass time.Duration
		take int64
		ok   bool
	}{
		{0, 4, false}, {0, 2, true}, {0, 2, false}, {0, 1, true}, {0, 1, false},
		{time.Second - 1, 1, false}, {1, 1, true}, {0, 1, false},
		{2 * time.Second, 3, false}, {0, 2, true},
		{time.Hour, 3, true}, {0, 1, false},
	} {
		now = now.Add(c.pass)
		if got := a.take(c.take, q, now); got != c.ok {
			t.Errorf("step %d: take %d: %v, want %v", i, c.take, got, c.ok)
		}
	}
}
