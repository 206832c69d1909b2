package server

import (
	"sync/atomic"

	"pumpd/server/accesslog"
	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
	"pumpd/server/proxied"
	"pumpd/server/quota"
	"pumpd/server/via"
)

// A node is this process: its name among pumps, its loops, and what they share.
type node struct {
	name     via.Name
	loops    []*loop
	sessions *sessions
	access   *pushAccess
	ledger   *admission.Ledger
	quota    atomic.Pointer[quota.Meter] // nil: there is none
	siblings atomic.Pointer[siblings]
	viewing  *viewAccess
	proxies  atomic.Pointer[proxied.Trusted] // of trusted_proxies
	line     *line.Line
	visits   *accesslog.Log // nil: there is none, in tests
}

func newNode(cfg *config.Server) *node {
	n := &node{name: via.NewName(), sessions: newSessions(), ledger: admission.New()}
	n.ledger.SetLimits(admissionOf(cfg))
	n.siblings.Store(siblingsOf(cfg))
	n.proxies.Store(&proxied.Trusted{})
	return n
}

// trusted are the proxies that are trusted now. Any goroutine.
func (n *node) trusted() proxied.Trusted { return *n.proxies.Load() }

// tell has every loop make a call, soon. Any goroutine.
func (n *node) tell(call func(l *loop, now clock.Instant)) {
	for _, l := range n.loops {
		l.tell(func(now clock.Instant) { call(l, now) })
	}
}

// bell tells a loop that a stream has news for its viewers. Any goroutine.
func (n *node) bell(loop int, now clock.Instant) { n.loops[loop].hub.Bell(now) }
