package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
)

// A node is this process among pumps: its name in Via fields, and all its loops.
type node struct {
	id    string // pumpd-, then 16 random hex digits
	loops []*loop
}

const nodePrefix = "pumpd-"

func newNode() *node {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return &node{id: nodePrefix + hex.EncodeToString(b[:])}
}

// inVia says whether a Via field names this node: the request has come round in a circle of pumps.
func (n *node) inVia(via []byte) bool { return bytes.Contains(via, []byte(n.id)) }

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
