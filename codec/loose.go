package codec

import (
	"bytes"
	"fmt"
)

// looseFields walks over the field lines of a response, up to the empty line, which must be there. It has no errors:
// what cameras, encoders and old streaming servers write is taken as it is meant, or not at all. That is safe because
// nothing but the body follows on the connection; requests, which may follow each other through a proxy, are read by
// fields.
//
//	Server : Cougar 4.1      a blank before the colon
//	Pragma: no-cache,        a folded line: the next one goes on with it ([RFC 9112] 5.2)
//	  client-id=7
//	icy-notice1              no colon: left out
type looseFields struct{ rest []byte }

// next returns one field, its value without the blanks around it; a nil name is the end. The value is a copy if it was
// folded.
func (f *looseFields) next() (name, value []byte) {
	for {
		line, n := cutLine(f.rest)
		if len(line) == 0 {
			return nil, nil
		}
		f.rest = f.rest[n:]
		before, after, found := bytes.Cut(line, colon)
		if name = trim(before); found && len(name) > 0 && !isBlank(line[0]) {
			return name, f.unfold(trim(after))
		}
	}
}

// unfold adds the lines that go on with a value.
func (f *looseFields) unfold(value []byte) []byte {
	for {
		line, n := cutLine(f.rest)
		if len(line) == 0 || !isBlank(line[0]) {
			return value
		}
		f.rest = f.rest[n:]
		switch more := trim(line); {
		case len(value) == 0:
			value = more
		case len(more) > 0:
			value = bytes.Join([][]byte{value, more}, space)
		}
	}
}

// looseLength takes one Content-Length field of a response. Servers that do not know the length say -1, or the largest
// number that they have: that is none. Two lengths that differ are refused, and what is no number.
func (f *framing) looseLength(value []byte) error {
	for more := true; more; {
		var one []byte
		one, value, more = bytes.Cut(value, comma)
		one = trim(one)
		digits := bytes.TrimPrefix(one, minus)
		switch {
		case digitsIn(digits) < len(digits):
			return fmt.Errorf("content-length: %.40q, allowed are digits", one)
		case len(digits) == 0, len(digits) < len(one), len(digits) > lengthDigits:
			continue
		}
		if err := f.contentLength(digits); err != nil {
			return err
		}
	}
	return nil
}

var (
	colon = []byte{':'}
	minus = []byte{'-'}
)
