package server

import (
	"fmt"
	"time"

	"pumpd/server/clock"
)

// statusInterval is how often the service manager is told how we are.
const statusInterval = 10 * time.Second

// tellManager keeps the service manager's watchdog away while all loops turn: a pump with a loop that is stuck is
// started anew. It is called once a second, and tells now and then how we are.
func (s *Server) tellManager(now clock.Instant) {
	if s.manager == nil {
		return
	}
	if s.manager.Watchdog() > 0 && len(s.node.stuck(now)) == 0 {
		s.manager.Alive()
	}
	if now.Since(s.told) >= statusInterval {
		s.told = now
		s.manager.Status(s.summary())
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
	return fmt.Sprintf("%d of %d streams live, %d viewers", live, len(streams), viewers)
}
