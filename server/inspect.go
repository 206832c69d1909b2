package server

import (
	"io"
	"net/netip"
)

// startAdmin starts the admin if the configuration has an address for it; stopping is closed when the server begins to
// stop.
func (s *Server) startAdmin(stopping <-chan struct{}) (stop func(), err error) {
	if s.cfg.Server.Admin == "" {
		return func() {}, nil
	}
	if s.admin, err = startAdmin(s.subject(stopping)); err != nil {
		return nil, err
	}
	return s.admin.stop, nil
}

// subject is what the admin may know of the server.
func (s *Server) subject(stopping <-chan struct{}) *subject {
	return &subject{
		version:   s.Version,
		node:      string(s.node.name),
		cfg:       &s.cfg.Server,
		streams:   s.reg,
		clock:     s.clock,
		log:       s.log,
		maxConns:  s.budget.admin,
		ready:     s.ready,
		stopping:  stopping,
		listeners: s.Addrs,
		counters:  s.counters,
		stuck:     func() []stuckLoop { return s.node.stuck(s.clock.Now()) },
	}
}

// counters reads those that the admin shows. Any goroutine.
func (s *Server) counters() counters {
	n := counters{
		connections: s.gate.inside.Load(),
		limit:       s.gate.most,
		refused:     s.gate.refused.Load(),
		sends:       s.stats.sends.Load(),
		rounds:      s.stats.rounds.Load(),
		logLost:     s.stats.logLost.Load(),
	}
	for why := range s.stats.ended {
		n.ended[why] = s.stats.ended[why].Load()
	}
	return n
}

// AdminAddr is the address of the status page, not valid if the configuration has none. It is known once Ready is
// closed.
func (s *Server) AdminAddr() netip.AddrPort {
	if s.admin == nil {
		return netip.AddrPort{}
	}
	return s.admin.address()
}

// Announce prints, once the server listens, what a person at the terminal wants to know: where to look and where to
// push.
func (s *Server) Announce(w io.Writer) {
	<-s.ready
	announce(w, s.reg.Streams(), s.addrs, s.tlsAddrs, s.AdminAddr())
}
