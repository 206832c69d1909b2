package server

import "time"

const (
	// stopTime is how long viewers have to take the end of their stream when the server stops, and to close: longer than
	// lingerTime, after which we do.
	stopTime = lingerTime + 500*time.Millisecond

	// shutdownTime is how long the server may take to stop, whatever its loops, its sources and the machine are busy
	// with. With the admin's last replies and the log's last lines it stays within the five seconds of whoever sent
	// SIGTERM.
	shutdownTime = 3500 * time.Millisecond

	// lastWords is what is left of those five seconds.
	lastWords = 1500 * time.Millisecond
)

// stop lets nobody in any more, tells everybody and ends the loops and the helpers. What is not done after
// shutdownTime the end of the process does.
func (s *Server) stop() error {
	ended := make(chan error, 1)
	go func() { ended <- s.shutDown() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(shutdownTime):
		s.log.Warn("stopped before everybody was told", "connections", s.gate.inside.Load())
		return nil
	}
}

func (s *Server) shutDown() error {
	s.log.Info("stopping", "connections", s.gate.inside.Load())
	s.reactor.stopping.Store(true)
	s.closeListeners()
	s.node.tell((*loop).stop)
	s.helpers.Wait() // gnet would let those wait for ever that it has not opened when it ends
	if s.handshakes != nil {
		s.handshakes.wait()
	}
	s.farewell()
	err := s.reactor.stop()
	for _, l := range s.node.loops {
		l.ended()
	}
	s.release()
	return err
}

// farewell waits until everybody is gone or stopTime is over.
func (s *Server) farewell() {
	deadline := time.NewTimer(stopTime)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.gate.inside.Load() > 0 {
		select {
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}
