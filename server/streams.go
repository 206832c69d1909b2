package server

import (
	"pumpd/server/config"
	"pumpd/server/stream"
)

// Streams come and go with the configuration, and with them what feeds them.

// newStream makes one that nobody knows yet.
func (s *Server) newStream(cfg *config.Stream, server *config.Server) *stream.Stream {
	s.made++
	return stream.New(s.made, cfg, s.log, s.clock, server, s.node.bell)
}

// prepareStreams makes the streams that are new, and what of the others has to be parsed.
func (s *Server) prepareStreams(c *change) error {
	known := map[string]*stream.Stream{}
	for _, st := range s.reg.Streams() {
		known[st.Config().Path] = st
	}
	var all []*stream.Stream
	pushers, viewers := pushRightsByStream{}, viewRightsByStream{}
	viewing := s.node.viewing
	c.instead(func() { viewing.replace(*viewing.rights.Load()) }) // whom it would have asked
	for i := range c.to.Streams {
		cfg := &c.to.Streams[i]
		if !cfg.Enabled {
			continue
		}
		st := known[cfg.Path]
		if st == nil {
			st = s.newStream(cfg, &c.to.Server)
		}
		var err error
		if pushers[st], err = parsePushRights(cfg); err != nil {
			return err
		}
		if viewers[st], err = viewing.parse(cfg); err != nil {
			return err
		}
		all = append(all, st)
	}
	c.then(func() {
		s.node.access.replace(pushers)
		viewing.replace(viewers)
		s.setStreams(c, all, known)
	})
	return nil
}

// setStreams makes all the streams that there are, of which known were there before, by path.
func (s *Server) setStreams(c *change, all []*stream.Stream, known map[string]*stream.Stream) {
	for i := range c.to.Streams {
		cfg := &c.to.Streams[i]
		if st := known[cfg.Path]; st != nil && cfg.Enabled {
			st.Configure(cfg, &c.to.Server)
		}
	}
	for _, st := range all {
		s.node.ledger.SetStream(st.ID(), streamAdmission(st.Config()))
	}
	s.reg.SetStreams(all)
	var removed []*stream.Stream
	for _, cfg := range c.diff.Removed {
		removed = append(removed, known[cfg.Path])
	}
	changed, unwanted := map[string][]string{}, map[*stream.Stream]dismissal{}
	for _, d := range c.diff.Changed {
		st := known[d.To.Path]
		changed[d.To.Path] = d.Keys
		if o := s.dismissalOf(st, d); o.of != nil {
			unwanted[st] = o
		}
		st.Want() // a pull sleeps until something happens
	}
	s.retire(removed, unwanted)
	for _, st := range all {
		if s.running[st] == nil {
			s.startTasks(st, nil)
		} else {
			s.restartTasks(st, changed[st.Config().Path], c.diff.Keys)
		}
	}
}
