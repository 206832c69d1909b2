package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net/netip"
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

// bell tells every loop that a chain has grown.
func (n *node) bell(now instant) {
	for _, l := range n.loops {
		l.bell(now)
	}
}

// stopSession ends the Play of a session, on whichever loop it is. It looks at all viewers, and only those from the
// address that asks: among 100,000 client-ids one is soon guessed.
func (n *node) stopSession(id uint32, from netip.Addr) {
	n.tell(func(l *loop, now instant) {
		for _, a := range l.audiences {
			if a == nil {
				continue
			}
			for _, v := range a.viewers {
				if v.session == id && v.dialect.mmsh() && v.conn.remote.Addr() == from {
					l.dismiss(v, stopped, now)
				}
			}
		}
	})
}
