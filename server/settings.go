package server

import (
	"slices"

	"pumpd/server/clock"
	"pumpd/server/proxied"
)

// A setting is how some keys of the configuration come to count while the pump runs. To make a key one of them is all
// that a reload needs of whoever adds it; TestReloadKnowsEveryKey minds that none is forgotten.
//
// There are four ways to be applied, in the order of what is simplest:
//
//	somebody asks s.config() or Stream.Config() each time that it matters     asked
//	somebody has a copy, and is given another                                 simply
//	something has to be opened, or may fail                                   whatPreparesIt
//	it cannot be                                                              restart
type setting struct {
	keys []string // outside of streams
	// apply is called when one of keys is otherwise, or with always in any case. It opens what has to be opened, and has
	// the rest done by change.then and change.instead.
	apply  func(s *Server, c *change) error
	always bool
}

// settings are applied in this order.
var settings = []setting{
	{keys: restart},
	{keys: asked},
	{keys: []string{"server.max_connections"}, apply: (*Server).prepareBudget, always: true},
	{keys: []string{"server.log_level"}, apply: simply((*Server).setLogLevel)},
	{keys: []string{"server.log_format"}, apply: simply((*Server).setLogFormat)},
	{keys: []string{"server.access_log", "server.access_format"}, apply: (*Server).prepareAccessLog},
	{keys: []string{"timeouts.source_grace"}, apply: simply((*Server).setGrace)},
	{keys: []string{"server.trusted_proxies"}, apply: (*Server).prepareProxies},
	{keys: loopKeys, apply: simply((*Server).setLimits)},
	{keys: []string{"timeouts.handshake"}, apply: simply((*Server).setHandshakeTime)},
	{keys: certificateKeys, apply: (*Server).prepareTLS, always: true},
	{keys: []string{"server.listen", "tls.listen"}, apply: (*Server).prepareListeners},
	{keys: []string{"server.admin"}, apply: (*Server).prepareAdmin},
	{keys: []string{"server.agent_check"}, apply: (*Server).prepareAgent},
	{keys: ledgerKeys, apply: simply((*Server).setLedger)},
	{keys: []string{"server.uplink", "server.uplink_reserve"}, apply: simply((*Server).setLine)},
	{keys: []string{"server.quota", "server.state_dir"}, apply: (*Server).prepareQuota},
	{keys: []string{"server.siblings"}, apply: simply((*Server).setSiblings)},
	{keys: streamTuning, apply: (*Server).prepareStreams, always: true},
}

// restart are the keys that count from the next start on: the log names those that have changed.
var restart = append([]string{"server.user"}, engineKeys...)

// engineKeys are those of them that count in a process that takes over, too.
var engineKeys = []string{"server.loops", "server.engine"}

// asked are the keys whose value is looked up in the configuration each time that it matters.
var asked = []string{
	"server.admin_hosts", "server.admin_users", "server.admin_tls", "server.pprof", "server.ready_streams",
	"server.ready_headroom", "server.quota_hard",
	"timeouts.pull_stall", "timeouts.drain", "timeouts.upgrade", "timeouts.upgrade_linger",
}

// loopKeys are what loops and hubs have copies of, see loopLimitsOf and hubLimitsOf.
var loopKeys = []string{
	"server.merge", "server.max_lag", "server.max_session", "server.redirect_404_to", "server.strip_padding",
	"server.access_interval",
	"timeouts.request_head", "timeouts.source_idle", "timeouts.push_setup", "timeouts.stall",
}

// certificateKeys are those of [tls] but listen.
var certificateKeys = []string{"tls.certificates", "tls.min_version", "tls.client_ca"}

// ledgerKeys are the limits of all streams together, see admissionOf.
var ledgerKeys = []string{
	"server.max_viewers", "server.max_bandwidth", "server.max_per_ip", "server.uplink", "server.uplink_reserve",
	"server.relay_share",
}

// streamTuning are the keys outside of [[streams]] that streams, or what feeds them, have copies of.
var streamTuning = []string{"server.burst", "server.strip_padding", "proxy.url", "proxy.for_local"}

func (g *setting) prepare(s *Server, c *change) error {
	if g.apply == nil || !g.always && !c.touches(g.keys) {
		return nil
	}
	return g.apply(s, c)
}

// simply is for what can neither fail nor wait: do is called when the configuration is the new one.
func simply(do func(*Server)) func(*Server, *change) error {
	return func(s *Server, c *change) error {
		c.then(func() { do(s) })
		return nil
	}
}

func needsRestart(key string) bool { return slices.Contains(restart, key) }

func (s *Server) setLogLevel() {
	if s.Level != nil {
		if err := s.Level.UnmarshalText([]byte(s.config().Server.LogLevel)); err != nil {
			panic(err) // it is checked
		}
	}
}

func (s *Server) setLogFormat() {
	if s.Format != nil {
		s.Format.Set(s.config().Server.LogFormat)
	}
}

// prepareAccessLog opens another access log. Lines of visits that are over go to the old one.
func (s *Server) prepareAccessLog(c *change) error {
	commit, undo, err := s.node.visits.Move(c.to.Server.AccessLog, c.to.Server.AccessFormat)
	if err != nil {
		return err
	}
	c.then(commit)
	c.instead(undo)
	return nil
}

func (s *Server) setGrace() { s.reg.SetGrace(graceOf(s.config())) }

// prepareProxies has others be trusted; loops have a copy beside their limits.
func (s *Server) prepareProxies(c *change) error {
	proxies, err := proxied.ParseTrusted(c.to.Server.TrustedProxies)
	if err != nil {
		return err
	}
	c.then(func() {
		s.node.proxies.Store(&proxies)
		s.setLimits()
	})
	return nil
}

func (s *Server) setLedger() { s.node.ledger.SetLimits(admissionOf(&s.config().Server)) }

func (s *Server) setSiblings() { s.node.siblings.Store(siblingsOf(&s.config().Server)) }

func (s *Server) setLimits() {
	cfg := s.config()
	s.node.tell(func(l *loop, _ clock.Instant) { l.setLimits(cfg) })
}

// prepareBudget divides the descriptors anew: there may be more streams and listeners, or another max_connections.
// Nobody who is inside goes for that.
func (s *Server) prepareBudget(c *change) error {
	b, err := newBudget(s.descriptors.limit, s.descriptors.open, c.to, c.to.Server.LoopCount(), s.plainOfOurs(c.to))
	if err != nil {
		return err
	}
	c.budget = b
	c.then(func() {
		s.budget = b
		s.gate.setPlaces(b)
		if s.handshakes != nil {
			s.handshakes.setPlaces(b)
		}
	})
	return nil
}
