package server

// A node is this process: its name among pumps, its loops, and what they share.
type node struct {
	name     pumpName
	loops    []*loop
	sessions *sessions
	access   *pushAccess
}

func newNode() *node { return &node{name: newPumpName(), sessions: newSessions()} }

// tell has every loop make a call, soon. Any goroutine.
func (n *node) tell(call func(l *loop, now instant)) {
	for _, l := range n.loops {
		l.tell(func(now instant) { call(l, now) })
	}
}

// bell tells some loops that a stream has news for their viewers. Any goroutine.
func (n *node) bell(some *loopSet, now instant) {
	some.each(func(id int) { n.loops[id].bell(now) })
}
