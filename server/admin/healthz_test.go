package admin

import (
	"testing"
	"time"
)

// healthz names the loops that do not turn.
func TestHealthz(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		hung []Stuck
		code int
		want string
	}{
		{nil, 200, "ok\n"},
		{[]Stuck{{1, 2500 * time.Millisecond}}, 503, "loop 1 has not turned for 2.5s\n"},
		{[]Stuck{{0, 6500 * time.Millisecond}, {1, 3 * time.Second}}, 503,
			"loop 0 has not turned for 6.5s\nloop 1 has not turned for 3.0s\n"},
	} {
		r.hung = c.hung
		if w := r.get("/healthz"); w.Code != c.code || w.Body.String() != c.want {
			t.Errorf("healthz: %d, %q, want %d, %q", w.Code, w.Body, c.code, c.want)
		}
	}
}
