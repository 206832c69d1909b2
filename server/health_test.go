package server

import (
	"testing"
	"time"
)

// healthz names the loops that do not turn.
func TestHealthz(t *testing.T) {
	r := newAdminRig(t, pushStream("a", ""))
	cfg := DefaultConfig()
	for i := range 3 {
		l := newLoop(i, r.s.clock, cfg, r.s.log, r.s.reg, &r.s.stats, r.s.node, func() {})
		r.s.node.loops = append(r.s.node.loops, l)
	}
	check := func(code int, want string) {
		t.Helper()
		if w := r.get("/healthz"); w.Code != code || w.Body.String() != want {
			t.Errorf("healthz: %d, %q, want %d, %q", w.Code, w.Body, code, want)
		}
	}
	turn := func(loops ...int) {
		for _, i := range loops {
			r.s.node.loops[i].work(r.at)
		}
	}
	r.begin("127.0.0.1:8086")
	check(200, "ok\n")
	turn(0, 1) // the third has no connection yet, and gnet nothing to wake it by
	r.at = r.at.add(2 * time.Second)
	check(200, "ok\n")
	turn(0)
	r.at = r.at.add(500 * time.Millisecond)
	check(503, "loop 1 has not turned for 2.5s\n")
	turn(1)
	check(200, "ok\n")
	r.at = r.at.add(3 * time.Second)
	turn(1)
	check(503, "loop 0 has not turned for 3.5s\n")
	r.at = r.at.add(3 * time.Second)
	check(503, "loop 0 has not turned for 6.5s\nloop 1 has not turned for 3.0s\n")
	for _, l := range r.s.node.loops {
		l.abandon()
	}
	check(200, "ok\n")
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
