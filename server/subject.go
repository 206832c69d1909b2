package server

import (
	"io"
	"net"
	"net/netip"

	"pumpd/server/admin"
	"pumpd/server/config"
	"pumpd/server/fanout"
)

// startAdmin starts what the configuration has an address for: the admin, and what answers balancers.
func (s *Server) startAdmin() error {
	cfg := &s.config().Server
	if cfg.Admin != "" {
		a, err := admin.Start(s.subject(s.budget), cfg.Admin)
		if err != nil {
			return err
		}
		s.admin.Store(a)
	}
	if cfg.AgentCheck == "" {
		return nil
	}
	a, err := admin.StartAgent(s.subject(s.budget), cfg.AgentCheck)
	s.agent.Store(a)
	return err
}

// listenAdmin opens an address for the admin, or has it from the process before. For whoever is reloading.
func (s *Server) listenAdmin(address string) (l net.Listener, err error) {
	if l, err = s.before.adminAt(address); l == nil && err == nil {
		l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return nil, err
	}
	s.adminAt[address] = l
	return l, nil
}

// stopAdmin stops both.
func (s *Server) stopAdmin() {
	if a := s.agent.Swap(nil); a != nil {
		a.Close()
	}
	if a := s.admin.Swap(nil); a != nil {
		a.Close()
	}
}

// subject is what the admin may know of the server.
func (s *Server) subject(b *budget) *admin.Subject {
	return &admin.Subject{
		Version:   s.Version,
		Node:      string(s.node.name),
		Config:    func() *config.Server { return &s.config().Server },
		Streams:   s.reg,
		Clock:     s.clock,
		Log:       s.log,
		MaxConns:  b.admin,
		Ready:     s.ready,
		Draining:  s.drained,
		Stopping:  s.stopping,
		TLS:       s.adminTLS,
		Past:      s.before.pastOf(),
		Listen:    s.listenAdmin,
		Listeners: s.Addrs,
		Counters:  s.counters,
		Room:      s.node.ledger.View,
		Preview:   s.Preview,
		Apply:     s.apply,
		Hold:      s.hold,
		Drain:     s.Drain,
		Level:     s.Level,
		Viewers:   s.viewers,
		Kick:      s.kick,
		Bans:      &s.gate.bans,
		Ban:       s.ban,
		Reload:    func() admin.Reload { return *s.lastReload.Load() },
		Stuck:     func() []admin.Stuck { return s.node.stuck(s.clock.Now()) },
	}
}

// counters reads those that the admin shows. Any goroutine.
func (s *Server) counters() admin.Counters {
	n := admin.Counters{
		Connections: s.gate.inside.Load(),
		Limit:       s.gate.most.Load(),
		Refused:     s.gate.refused.Load(),
		Sends:       s.stats.hubs.Sends.Load(),
		Rounds:      s.stats.hubs.Rounds.Load(),
		Banned:      s.gate.banned.Load(),
		LogLost:     s.stats.logLost.Load() + s.stats.logLostBefore.Load(),
		AccessLost:  s.node.visits.Lost() + s.stats.accessLostBefore.Load(),
		Players:     s.node.census(),
		Unknown:     &s.stats.refused,
		FirstByte:   s.stats.firstByte.View(),
		RoundTime:   s.stats.hubs.RoundTime.View(),
		Lag:         s.stats.hubs.Lag.View(),
		Length:      s.stats.hubs.Length.View(),
		Line:        s.node.line.View(),
	}
	if q := s.node.quota.Load(); q != nil {
		if use := q.Use(); use.Limit > 0 {
			n.Quota = &admin.Quota{Limit: uint64(use.Limit), Used: uint64(use.Used), Ends: use.Ends}
		}
	}
	if certs := s.certs.Load(); certs != nil {
		n.Certificates = certs.shown()
	}
	for why := range s.stats.ended {
		n.Ended[why] = s.stats.ended[why].Load()
	}
	return n
}

// census is how many viewers there are by how they are spoken to. Any goroutine.
func (n *node) census() (list []admin.Players) {
	at := map[admin.Players]int{}
	for _, l := range n.loops {
		l.hub.Census(func(dialect string, tls bool, c fanout.Count) {
			kind := admin.Players{Dialect: dialect, TLS: tls}
			i, seen := at[kind]
			if !seen {
				i = len(list)
				at[kind] = i
				list = append(list, kind)
			}
			list[i].Viewers += c.Viewers
			list[i].Behind += c.Behind
			list[i].Blocked += c.Blocked
		})
	}
	return list
}

// AdminAddr is the address of the status page, not valid if the configuration has none. It is known once Ready is
// closed.
func (s *Server) AdminAddr() netip.AddrPort {
	if a := s.admin.Load(); a != nil {
		return a.Addr()
	}
	return netip.AddrPort{}
}

// Announce prints, once the server listens, what a person at the terminal wants to know: where to look and where to
// push.
func (s *Server) Announce(w io.Writer) {
	<-s.ready
	page := ""
	if a := s.admin.Load(); a != nil {
		page = a.URL()
	}
	admin.Announce(w, s.reg.Streams(), s.Addrs(), s.TLSAddrs(), page)
}
