package server

import (
	"fmt"
	"net/http"
	"time"
)

// stuckTime is how long a loop may take to turn. One that is idle is woken every choreInterval, and the longest round
// of a full pump takes a fraction of a second.
const stuckTime = 2 * time.Second

// stuck says for how long the loop has not turned, if that is too long. Any goroutine.
func (l *loop) stuck(now instant) (time.Duration, bool) {
	turned := instant(l.turned.Load())
	silent := now.since(turned)
	return silent, turned != 0 && silent > stuckTime
}

// healthz says whether all loops turn: a pump whose viewers see a still picture had better be started anew.
func (a *admin) healthz(w http.ResponseWriter, _ *http.Request) {
	text := ""
	for _, l := range a.s.node.loops {
		if silent, stuck := l.stuck(a.s.clock.now()); stuck {
			text += fmt.Sprintf("loop %d has not turned for %.1fs\n", l.id, silent.Seconds())
		}
	}
	if text != "" {
		plain(w, http.StatusServiceUnavailable, text)
		return
	}
	plain(w, http.StatusOK, "ok\n")
}
