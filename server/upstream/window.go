package upstream

import (
	"errors"
	"io"
	"time"
)

// A window is the part of a stream of bytes that has been read and is not yet used. Parsers look at it and take what
// they can.
type window struct {
	from       io.Reader
	buf        []byte
	start, end int
	idle       func(more bool) error // if not nil, called before it waits; more: the last read had no room for all
	more       bool
	paid       time.Time // when all that was read is worth its time, see rest
}

// What an upstream may send in a second, and at once before that counts. It is far more than any stream has; a server
// that sends as fast as it is read would else take a core, and viewers of other streams would notice.
const (
	mostPerSecond = 8 << 20
	mostAtOnce    = 16 << 20
)

var errWindow = errors.New("more than the window holds")

func newWindow(from io.Reader, size int) *window { return &window{from: from, buf: make([]byte, size)} }

// bytes is what is there; it is overwritten by fill.
func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

// use passes n bytes.
func (w *window) use(n int) { w.start += n }

// need gives the next n bytes without passing them.
func (w *window) need(n int) ([]byte, error) {
	for len(w.bytes()) < n {
		if err := w.fill(); err != nil {
			return nil, err
		}
	}
	return w.bytes()[:n], nil
}

// fill reads more. io.EOF comes only when nothing is left in the window, else io.ErrUnexpectedEOF.
func (w *window) fill() error {
	if w.start > 0 {
		w.start, w.end = 0, copy(w.buf, w.buf[w.start:w.end])
	}
	if w.end == len(w.buf) {
		return errWindow
	}
	if w.idle != nil {
		if err := w.idle(w.more); err != nil {
			return err
		}
	}
	n, err := w.from.Read(w.buf[w.end:])
	w.end += n
	w.more = w.end == len(w.buf)
	w.rest(n)
	switch {
	case n > 0:
		return nil // an error comes again
	case err == io.EOF && w.end > 0:
		return io.ErrUnexpectedEOF
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// rest waits as long as n more bytes that were read are too many.
func (w *window) rest(n int) {
	now := time.Now()
	if w.paid.Before(now) {
		w.paid = now
	}
	w.paid = w.paid.Add(worth(n))
	time.Sleep(w.paid.Sub(now) - worth(mostAtOnce))
}

// worth is the time in which so many bytes may come.
func worth(n int) time.Duration { return time.Duration(n) * time.Second / mostPerSecond }
