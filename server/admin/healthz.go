package admin

import (
	"fmt"
	"net/http"
)

// healthz says whether all loops turn: a pump whose viewers see a still picture had better be started anew.
func (a *Admin) healthz(w http.ResponseWriter, _ *http.Request) {
	text := ""
	for _, l := range a.s.Stuck() {
		text += fmt.Sprintf("loop %d has not turned for %.1fs\n", l.Loop, l.Silent.Seconds())
	}
	if text != "" {
		plain(w, http.StatusServiceUnavailable, text)
		return
	}
	plain(w, http.StatusOK, "ok\n")
}
