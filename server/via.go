package server

import (
	"bytes"
	"errors"
	"fmt"

	"pumpd/codec"
)

// Pumps pull from pumps, and each must see to it that the stream does not come from itself. So a pump says its name in
// the Via field of what it asks, and to pumps, which is who asks with a Via field, it says which pumps the stream has
// come through: itself first, then what its own upstream said.
//
//	Via: 1.0 pumpd-0123456789abcdef, 1.0 pumpd-89abcdef01234567
//
// The path is learned when a connection is made. A circle that closes behind our back, when an upstream changes its
// own, has no source in it: it falls silent, everybody in it dials again, and is refused.

const (
	maxPumps = codec.MaxVia // that a stream or a request may have passed
	maxVia   = 1024         // bytes of the field
)

var (
	errLoop   = errors.New("upstream gets its stream from this pump")
	errDeep   = errors.New("upstream is too far from the source")
	errCircle = errors.New("the request has passed this pump already")
	errFar    = errors.New("the request has passed too many pumps")
)

// checkRequest looks at the Via fields of a request.
func (n *node) checkRequest(via *codec.Via) error {
	switch {
	case via.Has([]byte(n.id)):
		return fmt.Errorf("%w: %.200s", errCircle, via)
	case via.Entries() > maxPumps:
		return fmt.Errorf("%w: at least %d, limit %d", errFar, via.Entries(), maxPumps)
	}
	return nil
}

// checkPath looks at the Via field of an upstream's reply.
func (n *node) checkPath(via []byte) error {
	switch {
	case n.inVia(via):
		return fmt.Errorf("%w: %.200s", errLoop, via)
	case pumpsIn(via) > maxPumps:
		return fmt.Errorf("%w: behind %d others, limit %d", errDeep, pumpsIn(via), maxPumps)
	case len(via) > maxVia:
		return fmt.Errorf("%w: Via of %d bytes, limit %d", errDeep, len(via), maxVia)
	}
	return nil
}

// pumpsIn counts the pumps and proxies in a Via field.
func pumpsIn(via []byte) int {
	if len(via) == 0 {
		return 0
	}
	return 1 + bytes.Count(via, []byte{','})
}

// path is the Via of a reply that is about a stream.
func (n *node) path(st *stream) string {
	path := "1.0 " + n.id
	if behind := st.path.Load(); behind != nil && *behind != "" {
		path += ", " + *behind
	}
	return path
}

// appendPath adds the path to a reply, if it goes to a pump. Players never see it.
func (l *loop) appendPath(b []byte, st *stream) []byte {
	if l.request.Via.Empty() {
		return b
	}
	return codec.AppendField(b, "Via", l.node.path(st))
}

// pathField is the same as refuse takes it: pumps that wait for each other shall find that out.
func (l *loop) pathField(st *stream) []string {
	if l.request.Via.Empty() {
		return nil
	}
	return []string{"Via", l.node.path(st)}
}
