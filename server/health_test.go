package server

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"pumpd/server/admin"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// A loop that does not turn is stuck, unless it has not begun or has ended.
func TestStuckLoops(t *testing.T) {
	at := clock.Instant(1)
	n, log := newNode(&config.Server{}), slog.New(slog.DiscardHandler)
	c := clock.Clock{Now: func() clock.Instant { return at }}
	for i := range 3 {
		l := newLoop(i, c, config.Default(), nil, log, stream.NewRegistry(c, 0, nil), &serverStats{}, n, func() {})
		n.loops = append(n.loops, l)
	}
	check := func(want ...admin.Stuck) {
		t.Helper()
		if got := n.stuck(at); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	turn := func(loops ...int) {
		for _, i := range loops {
			n.loops[i].work(at)
		}
	}
	check()
	turn(0, 1) // the third has no connection yet, and gnet nothing to wake it by
	at = at.Add(2 * time.Second)
	check()
	turn(0)
	at = at.Add(500 * time.Millisecond)
	check(admin.Stuck{Loop: 1, Silent: 2500 * time.Millisecond})
	turn(1)
	check()
	at = at.Add(3 * time.Second)
	turn(1)
	check(admin.Stuck{Loop: 0, Silent: 3500 * time.Millisecond})
	at = at.Add(3 * time.Second)
	check(admin.Stuck{Loop: 0, Silent: 6500 * time.Millisecond}, admin.Stuck{Loop: 1, Silent: 3 * time.Second})
	for _, l := range n.loops {
		l.ended()
	}
	check()
}

// A loop's first callback may be the one that it hangs in.
func TestHealthzOfAFirstConnection(t *testing.T) {
	r := newRig(t, nil, "a")
	r.connect()
	r.pass(3 * time.Second)
	if _, stuck := r.loop.stuck(r.at); !stuck {
		t.Error("a loop that has opened a connection and never turned is taken for a good one")
	}
}
