package server

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"

	"pumpd/server/admin"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// What a reload does with addresses and what is needed to listen on them. All that is new is opened before anything old
// is closed: so an address in use is found out in time, but an address cannot move from one list to another in one
// reload.

// open is what listens, as far as a reload keeps it.
type open struct {
	booked    []plainAddress
	listeners []*listener
}

// take moves what listens on an address from o to kept; false: nothing does.
func (o *open) take(address string, secure bool, kept *open) bool {
	for i, b := range o.booked {
		if b.address == address && !secure {
			kept.booked = append(kept.booked, b)
			o.booked = append(o.booked[:i:i], o.booked[i+1:]...)
			return true
		}
	}
	for i, l := range o.listeners {
		if l.address == address && l.secure == secure {
			kept.listeners = append(kept.listeners, l)
			o.listeners = append(o.listeners[:i:i], o.listeners[i+1:]...)
			return true
		}
	}
	return false
}

// plainOfOurs is how many plain addresses of a configuration gnet does not have from the start.
func (s *Server) plainOfOurs(cfg *config.Config) (n int) {
	rest, gnets := open{booked: s.booked}, open{}
	for _, a := range cfg.Server.Listen {
		if !rest.take(a, false, &gnets) {
			n++
		}
	}
	return n
}

// prepareListeners opens what is new in listen and tls.listen.
func (s *Server) prepareListeners(c *change) error {
	goes, stays := open{s.booked, s.listeners}, open{}
	var fresh []*listener
	c.instead(func() {
		for _, l := range fresh {
			l.Close()
		}
	})
	for _, list := range []struct {
		key       string
		secure    bool
		addresses []string
	}{{"server.listen", false, c.to.Server.Listen}, {"tls.listen", true, c.to.TLS.Listen}} {
		for i, a := range list.addresses {
			if goes.take(a, list.secure, &stays) {
				continue
			}
			l, err := openListener(a, list.secure, c.budget)
			if err != nil {
				return fmt.Errorf("%s: %w", config.Item(list.key, i), explainDenied(err))
			}
			fresh = append(fresh, l)
		}
	}
	c.then(func() { s.setListeners(goes, stays, fresh) })
	return nil
}

// setListeners closes what goes and has connections taken where it is new.
func (s *Server) setListeners(goes, stays open, fresh []*listener) {
	for _, l := range goes.listeners {
		l.Close()
	}
	for _, b := range goes.booked {
		if err := abandon(b); err != nil {
			s.log.Error("listener stays open until a restart", "address", b.address, "err", err)
		}
	}
	s.booked, s.listeners = stays.booked, append(stays.listeners, fresh...)
	s.at.Store(s.addresses(s.config()))
	for _, l := range fresh {
		s.accept(l)
	}
}

// addresses are where it listens, in the order of a configuration.
func (s *Server) addresses(cfg *config.Config) *addresses {
	rest, seen := open{s.booked, s.listeners}, open{}
	of := func(list []string, secure bool) (at []netip.AddrPort) {
		for _, a := range list {
			booked := len(seen.booked)
			switch {
			case !rest.take(a, secure, &seen):
			case len(seen.booked) > booked:
				at = append(at, seen.booked[booked].bookings[0].at)
			default:
				at = append(at, seen.listeners[len(seen.listeners)-1].where)
			}
		}
		return at
	}
	return &addresses{plain: of(cfg.Server.Listen, false), secure: of(cfg.TLS.Listen, true)}
}

// prepareTLS loads certificates where they are others, and begins to speak TLS where that is new. Files that have
// changed under their names are looked at in any case.
func (s *Server) prepareTLS(c *change) error {
	switch {
	case !c.to.SpeaksTLS():
		c.then(s.unwatchCertificates)
	case c.touches(certificateKeys), !c.from.SpeaksTLS(): // else they may be those of before it ended
		certs, err := certificatesOf(&c.to.TLS, s.log)
		if err != nil {
			return err
		}
		c.then(func() {
			s.certs.Store(certs)
			s.watchCertificates()
		})
	default:
		c.then(s.certs.Load().lookSoon)
	}
	if len(c.to.TLS.Listen) > 0 && s.handshakes == nil {
		h := s.newHandshakes(c.to, c.budget)
		c.then(func() {
			s.handshakes = h
			s.node.tell(func(l *loop, _ clock.Instant) { l.hub.SpeakTLS() }) // before the first connection comes
		})
	}
	return nil
}

// unwatchCertificates has no files looked at.
func (s *Server) unwatchCertificates() {
	if s.unwatch != nil {
		s.unwatch()
		s.unwatch = nil
	}
}

// watchCertificates has the files of those that count now looked at, and of no others.
func (s *Server) watchCertificates() {
	s.unwatchCertificates()
	certs := s.certs.Load()
	if certs == nil {
		return
	}
	var ctx context.Context
	ctx, s.unwatch = context.WithCancel(s.sources)
	s.helpers.Go(func() { certs.watch(ctx) })
}

// setHandshakeTime has timeouts.handshake count.
func (s *Server) setHandshakeTime() {
	if s.handshakes != nil {
		s.handshakes.timeout.Store(int64(s.config().Timeouts.Handshake))
	}
}

// prepareAdmin has the admin listen elsewhere. What is on its way there has half a second to end.
func (s *Server) prepareAdmin(c *change) error {
	return relocate(s, c, &s.admin, c.to.Server.Admin, admin.Start)
}

// prepareAgent is the same for who answers balancers.
func (s *Server) prepareAgent(c *change) error {
	return relocate(s, c, &s.agent, c.to.Server.AgentCheck, admin.StartAgent)
}

// relocate starts a part of the admin at an address, unless that is "", in place of the one that is there.
func relocate[T any, P interface {
	*T
	Close()
}](s *Server, c *change, place *atomic.Pointer[T], at string, start func(*admin.Subject, string) (*T, error)) error {
	var fresh *T
	if at != "" {
		var err error
		if fresh, err = start(s.subject(c.budget), at); err != nil {
			return err
		}
		c.instead(P(fresh).Close)
	}
	c.then(func() {
		if old := place.Swap(fresh); old != nil {
			s.helpers.Go(P(old).Close)
		}
	})
	return nil
}
