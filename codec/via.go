package codec

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds of a way. What is longer is no use to anybody, and everybody would have to read it.
const (
	MaxVia      = 8    // entries
	maxViaBytes = 1024 // of all field values together
)

// A Via is the way that a message has come: the values of its Via fields, in their order, each a list of one entry or
// more. [RFC 9110] 7.6.3
//
//	Via: 1.0 fred, 1.1 p.example.net
//
// Behind the last one is nil. There is room for one more than MaxVia, so that a way that is too long shows; of what
// comes after that nothing is kept.
type Via [MaxVia + 1][]byte

// add takes one Via field. An error wraps ErrTooLarge.
func (v *Via) add(value []byte) error {
	size := len(value)
	for i := range v {
		if v[i] == nil && len(value) > 0 {
			v[i] = value
			break
		}
		size += len(v[i])
	}
	if size > maxViaBytes {
		return fmt.Errorf("via: %d bytes, limit %d: %w", size, maxViaBytes, ErrTooLarge)
	}
	return nil
}

// Empty says that the message has come straight from who made it.
func (v *Via) Empty() bool { return v[0] == nil }

// Entries is how many pumps and proxies the message has passed; above MaxVia it is at least that many.
func (v *Via) Entries() (n int) {
	for _, line := range v {
		if line != nil {
			n += 1 + bytes.Count(line, comma)
		}
	}
	return n
}

// Has says whether an entry has name in it.
func (v *Via) Has(name []byte) bool {
	for _, line := range v {
		if bytes.Contains(line, name) {
			return true
		}
	}
	return false
}

// String is the whole way in one field value.
func (v *Via) String() string {
	var s strings.Builder
	for i, line := range v {
		if i > 0 && line != nil {
			s.WriteString(", ")
		}
		s.Write(line)
	}
	return s.String()
}
