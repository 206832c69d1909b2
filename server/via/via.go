// Package via knows pumps by the names that they say in Via fields, so that none pulls from itself. It keeps nothing.
//
// Pumps pull from pumps, and each must see to it that the stream does not come from itself. So a pump says its name in
// the Via field of what it asks, and to pumps, which is who asks with a Via field, it says which pumps the stream has
// come through: itself first, then what its own upstream said.
//
//	Via: 1.0 pumpd-0123456789abcdef, 1.0 pumpd-89abcdef01234567
//
// The way is learned when a connection is made. A circle that closes behind our back, when an upstream changes its
// own, has no source in it: it falls silent, everybody in it dials again, and is refused.
package via

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"pumpd/codec"
)

// A Name is what a pump is called in Via fields: Prefix, then 16 random hex digits.
type Name string

// Prefix begins the name of every pump.
const Prefix = "pumpd-"

// NewName makes a name that no other pump has.
func NewName() Name {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return Name(Prefix + hex.EncodeToString(b[:]))
}

// in says whether a Via field names this pump: the request has come round in a circle of pumps.
func (n Name) in(via []byte) bool { return bytes.Contains(via, []byte(n)) }

const (
	maxPumps = codec.MaxVia // that a stream or a request may have passed
	maxField = 1024         // bytes of the field
)

// Why CheckReply refuses an upstream.
var (
	ErrLoop = errors.New("upstream gets its stream from this pump")
	ErrDeep = errors.New("upstream is too far from the source")
)

var (
	errCircle = errors.New("the request has passed this pump already")
	errFar    = errors.New("the request has passed too many pumps")
)

// CheckRequest looks at the Via fields of a request. An error means that it is to be refused: it has passed this pump
// already, or more than codec.MaxVia others.
func (n Name) CheckRequest(via *codec.Via) error {
	switch {
	case via.Has([]byte(n)):
		return fmt.Errorf("%w: %.200s", errCircle, via)
	case via.Entries() > maxPumps:
		return fmt.Errorf("%w: at least %d, limit %d", errFar, via.Entries(), maxPumps)
	}
	return nil
}

// CheckReply looks at the Via field of an upstream's reply. An error is an ErrLoop or an ErrDeep, and shows the field.
func (n Name) CheckReply(via []byte) error {
	switch {
	case n.in(via):
		return fmt.Errorf("%w: %.200s", ErrLoop, via)
	case pumpsIn(via) > maxPumps:
		return fmt.Errorf("%w: behind %d others, limit %d", ErrDeep, pumpsIn(via), maxPumps)
	case len(via) > maxField:
		return fmt.Errorf("%w: Via of %d bytes, limit %d", ErrDeep, len(via), maxField)
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

// Field is the Via of a reply about a stream that has come through what is behind; nil: nothing.
func (n Name) Field(behind *string) string {
	path := "1.0 " + string(n)
	if behind != nil && *behind != "" {
		path += ", " + *behind
	}
	return path
}
