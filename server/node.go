package server

import (
	"pumpd/server/clock"
	"pumpd/server/via"
)

// A node is this process: its name among pumps, its loops, and what they share.
type node struct {
	name     via.Name
	loops    []*loop
	sessions *sessions
	access   *pushAccess
}

func newNode() *node { return &node{name: via.NewName(), sessions: newSessions()} }

// tell has every loop make a call, soon. Any goroutine.
func (n *node) tell(call func(l *loop, now clock.Instant)) {
	for _, l := range n.loops {
		l.tell(func(now clock.Instant) { call(l, now) })
	}
}

// bell tells some loops that a stream has news for their viewers. Any goroutine.
func (n *node) bell(some *loopSet, now clock.Instant) {
	some.each(func(id int) { n.loops[id].bell(now) })
}
