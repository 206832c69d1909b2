package codec

import (
	"bytes"
	"errors"
	"fmt"
)

var (
	// ErrTooLarge: a head of more bytes or fields than we take. A server answers it with 431.
	ErrTooLarge = errors.New("head too large")

	// ErrLongLine: a start line of more bytes than we take. A server answers it with 414.
	ErrLongLine = errors.New("start line too long")
)

// Limits of a head besides its bytes. They also bound the work on one that comes byte by byte: it is walked through
// anew each time, line end by line end.
const (
	maxLine       = 4 << 10 // bytes of the start line; a field may be longer: WMP logs in one
	maxFields     = 64      // players send up to 15, a browser behind two proxies some 30
	maxEmptyLines = 4       // before the start line; some clients leave one behind a POST body
)

// A head is everything before the body. Lines end in CR LF, and because [RFC 9112] 2.2 lets us, in a bare LF too.
//
//	*( CRLF )
//	start line           CRLF
//	*( name ":" value    CRLF )
//	                     CRLF     n ends here
type head struct {
	start  []byte // without its line end; nil as long as the line is not whole
	fields fields
	n      int
}

// cutHead finds the head that b begins with; max is the limit for its whole length in bytes. With ErrShort and
// ErrTooLarge (wrapped) the start line may already be there. What is inside the lines is not checked yet.
func cutHead(b []byte, max int) (h head, err error) {
	full := len(b) >= max
	b = b[:min(len(b), max)]
	if err = h.cut(b); errors.Is(err, ErrShort) && full {
		err = fmt.Errorf("head: more than %d bytes: %w", max, ErrTooLarge)
	}
	return h, err
}

func (h *head) cut(b []byte) error {
	for range maxEmptyLines + 1 {
		line, n := cutLine(b[h.n:])
		if n == 0 {
			line = bytes.TrimSuffix(b[h.n:], cr) // as far as it has come
		}
		switch {
		case len(line) > maxLine:
			return fmt.Errorf("head: start line of more than %d bytes: %w", maxLine, ErrLongLine)
		case n == 0:
			return ErrShort
		}
		h.n += n
		if len(line) > 0 {
			h.start = line
			return h.cutFields(b[h.n:])
		}
	}
	return fmt.Errorf("head: more than %d empty lines before it: %w", maxEmptyLines, ErrTooLarge)
}

func (h *head) cutFields(b []byte) error {
	for range maxFields + 1 {
		line, n := cutLine(b[len(h.fields.rest):])
		if n == 0 {
			return ErrShort
		}
		h.n += n
		h.fields.rest = b[:len(h.fields.rest)+n]
		if len(line) == 0 {
			return nil
		}
	}
	return fmt.Errorf("fields: more than %d: %w", maxFields, ErrTooLarge)
}

// cutLine returns the first line of b without its line end, and n, its length with it. n is 0 if there is no line end.
func cutLine(b []byte) (line []byte, n int) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0
	}
	if i > 0 && b[i-1] == '\r' {
		return b[: i-1 : i-1], i + 1
	}
	return b[:i:i], i + 1
}

// fields walks over the field lines of a head, up to the empty line, which must be there.
type fields struct{ rest []byte }

// next returns one field, its value without the blanks around it; a nil name is the end.
func (f *fields) next() (name, value []byte, err error) {
	line, n := cutLine(f.rest)
	if len(line) == 0 {
		return nil, nil, nil
	}
	f.rest = f.rest[n:]
	return cutField(line)
}

// cutField takes a field line apart. What it refuses are the lines that two programs read differently, and one of the
// two may be the proxy in front of us: a folded line, a blank before the colon, a CR or NUL in the value. [RFC 9112] 5.
func cutField(line []byte) (name, value []byte, err error) {
	if isBlank(line[0]) {
		return nil, nil, fmt.Errorf("field: folded line %.40q", line)
	}
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		return nil, nil, fmt.Errorf("field: no colon in %.40q", line)
	}
	name, value = line[:i], trim(line[i+1:])
	if !isToken(name) {
		return nil, nil, fmt.Errorf("field: name %.40q is no token", name)
	}
	if bytes.IndexByte(value, 0) >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		return nil, nil, fmt.Errorf("field %.40q: NUL or CR in value", name)
	}
	return name, value, nil
}

// first sets a field that counts once: what comes again is ignored.
func first(field *[]byte, value []byte) {
	if *field == nil {
		*field = value
	}
}

// mediaType is a Content-Type without its parameters. WMP writes application/x-wms-LogStats;charset=UTF-8.
func mediaType(value []byte) []byte {
	t, _, _ := bytes.Cut(value, semicolon)
	return trim(t)
}

var (
	comma     = []byte{','}
	semicolon = []byte{';'}
	equals    = []byte{'='}
	space     = []byte{' '}
	cr        = []byte{'\r'}
)
