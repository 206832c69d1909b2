package server

import (
	"errors"
	"fmt"
	"time"

	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/quota"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// How the server keeps to its quota: it adds up what viewers were sent, and when that is too much the ledger lets
// nobody else in.

// A spent is where the adding up has come to.
type spent struct {
	sent map[*stream.Stream]uint64 // bytes to viewers, as sent gave them
	over bool                      // viewers had to go
}

// openQuota goes on with the count of the last start.
func (s *Server) openQuota() error {
	cfg := &s.config().Server
	if cfg.Quota.Bytes == 0 {
		return nil
	}
	m, err := quota.Open(cfg.StateDir, cfg.Quota, s.log, time.Now())
	if err != nil {
		return fmt.Errorf("server.state_dir: %w", err)
	}
	s.node.quota.Store(m)
	s.spend(time.Now())
	return nil
}

// checkQuota says why the count could not be kept, now that it is settled who the process is.
func (s *Server) checkQuota() error {
	m := s.node.quota.Load()
	if m == nil {
		return nil
	}
	if err := m.Check(); err != nil {
		return fmt.Errorf("server.state_dir: %w", err)
	}
	return nil
}

// prepareQuota has another quota count. What was sent before there was any is not counted.
func (s *Server) prepareQuota(c *change) error {
	to, from := &c.to.Server, &c.from.Server
	m := s.node.quota.Load()
	switch {
	case m != nil && to.StateDir != from.StateDir:
		return errors.New("server.state_dir: another one needs a restart while there is a quota")
	case m != nil:
		c.then(func() { m.SetLimit(to.Quota, time.Now()) })
		return nil
	case to.Quota.Bytes == 0:
		return nil
	}
	m, err := quota.Open(to.StateDir, to.Quota, s.log, time.Now())
	if err != nil {
		return fmt.Errorf("server.state_dir: %w", err)
	}
	c.instead(m.Abandon)
	if err := m.Check(); err != nil {
		return fmt.Errorf("server.state_dir: %w", err)
	}
	c.then(func() {
		s.spent.sent = s.sent()
		s.node.quota.Store(m)
		s.keepCount(m)
	})
	return nil
}

// keepCount has the count written to its file while the server runs.
func (s *Server) keepCount(m *quota.Meter) {
	if m != nil {
		s.helpers.Go(func() { m.Keep(s.sources) })
	}
}

// spend counts what was sent since it was called last, at a time of the day. It is called from one goroutine.
func (s *Server) spend(now time.Time) {
	m := s.node.quota.Load()
	if m == nil {
		return
	}
	sum, sent := uint64(0), s.sent()
	for st, n := range sent {
		sum += n - s.spent.sent[st]
	}
	s.spent.sent = sent
	use := m.Count(int64(sum), now)
	s.node.ledger.Shut(admission.Quota, use.Full)
	over := use.Full && s.config().Server.QuotaHard
	if over && !s.spent.over {
		s.node.tell((*loop).endForQuota) // nobody is let in from here on, so once is enough
	}
	s.spent.over = over
}

// sent is what viewers of each stream were sent, by its counter. A stream that was removed is there until its viewers
// are gone and their last bytes are counted.
func (s *Server) sent() map[*stream.Stream]uint64 {
	all := map[*stream.Stream]uint64{}
	for _, st := range s.reg.Streams() {
		all[st] = st.Stats().BytesOut.Load()
	}
	for st, before := range s.spent.sent {
		viewers, n := st.Stats().Viewers.Load(), st.Stats().BytesOut.Load() // a viewer's bytes are there when it is not
		if _, there := all[st]; !there && (viewers > 0 || n > before) {
			all[st] = n
		}
	}
	return all
}

// endForQuota ends all viewers.
func (l *loop) endForQuota(now clock.Instant) {
	for _, c := range l.conns {
		if c != nil && c.viewer != nil {
			l.dismiss(c, reason.Quota, now)
		}
	}
}

// closeQuota writes what was sent up to the end.
func (s *Server) closeQuota() { s.endQuota((*quota.Meter).Close) }

// leaveQuota does so for another process, which goes on with the count.
func (s *Server) leaveQuota() {
	s.endQuota((*quota.Meter).HandOver)
	s.node.quota.Store(nil)
}

// endQuota counts what has been sent since, and has the meter end.
func (s *Server) endQuota(end func(*quota.Meter)) {
	if m := s.node.quota.Load(); m != nil {
		s.spend(time.Now())
		end(m)
	}
}

// retakeQuota goes on with the count when no other process does after all.
func (s *Server) retakeQuota() error {
	err := s.openQuota()
	s.keepCount(s.node.quota.Load())
	return err
}
