package server

// A node is this process among pumps: its name, all its loops, and what these share.
type node struct {
	name     pumpName
	loops    []*loop
	sessions *sessions
	access   *pushAccess
}

func newNode() *node { return &node{name: newPumpName(), sessions: newSessions()} }

// tell makes every loop call something.
func (n *node) tell(call func(l *loop, now instant)) {
	for _, l := range n.loops {
		l.tell(func(now instant) { call(l, now) })
	}
}

// bell tells some loops that a chain has grown.
func (n *node) bell(some *loopSet, now instant) {
	some.each(func(id int) { n.loops[id].bell(now) })
}
