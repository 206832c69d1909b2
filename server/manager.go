package server

import (
	"fmt"

	"pumpd/server/clock"
)

// tellManager keeps the service manager's watchdog away while all loops turn: a pump with a loop that is stuck is
// started anew. It is called once a second, and tells how we are where that is not what it told last.
func (s *Server) tellManager(now clock.Instant) {
	if s.manager == nil {
		return
	}
	if s.manager.Watchdog() > 0 && len(s.node.stuck(now)) == 0 {
		s.manager.Alive()
	}
	if how := s.summary(); how != s.told {
		s.told = how
		s.manager.Status(how)
	}
}

// summary is how we are, in a line. Any goroutine.
func (s *Server) summary() string {
	live, viewers := 0, int64(0)
	streams := s.reg.Streams()
	for _, st := range streams {
		viewers += st.Stats().Viewers.Load()
		if st.Up() != nil {
			live++
		}
	}
	text := fmt.Sprintf("%d of %d streams live, %d viewers", live, len(streams), viewers)
	if s.isDraining() {
		text = "draining: " + text
	}
	if !s.lastReload.Load().OK {
		text += "; the last reload was refused, the log says why"
	}
	return text
}
