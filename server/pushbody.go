package server

import (
	"bytes"
	"errors"
	"io"

	"pumpd/codec"
)

// A pushBody takes the frames out of the body of a PushStart, whatever it is wrapped in: counted by Content-Length as
// encoders send it, chunked, with or without the 8-byte data header of MMSH (push.md §4).
type pushBody struct {
	toCome  int64 // bytes to come; unused when chunked
	chunked bool
	chunks  codec.Chunked
	partial []byte // of a chunked body: the start of a frame that chunks have cut
	mmsh    bool   // frames have the data header; found out from the first $H
	ended   bool   // $E was the last frame but for filler
}

var (
	errNextRequest = errors.New("next request instead of a frame")
	errCutFrame    = errors.New("body ends inside a frame")
	errRaw         = errors.New("raw ASF, want the frames of MMSH, which FFmpeg makes with -f asf_stream")
)

const headerGUID = "\x30\x26\xB2\x75" // how a Header Object starts (asf.md §2)

// take hands the whole frames that have come to act and discards them. It reports whether the body is complete. An
// error of act ends it; the frame then counts as not taken. errNextRequest: after $E a new request stands where a frame
// should, although the body is not used up.
func (b *pushBody) take(w wire, act func(codec.Frame) error) (whole bool, err error) {
	if b.chunked {
		return b.takeChunks(w, act)
	}
	in := w.peek()
	if int64(len(in)) > b.toCome {
		in = in[:b.toCome]
	}
	n, err := b.frames(in, act)
	w.discard(n)
	b.toCome -= int64(n)
	if rest := int64(len(in) - n); err == nil && rest > 0 && rest == b.toCome {
		return false, errCutFrame
	}
	return b.toCome == 0, err
}

func (b *pushBody) takeChunks(w wire, act func(codec.Frame) error) (whole bool, err error) {
	for {
		data, n, end := b.chunks.Next(w.peek())
		b.partial = append(b.partial, data...)
		w.discard(n)
		used, err := b.frames(b.partial, act)
		b.partial = b.partial[:copy(b.partial, b.partial[used:])]
		switch {
		case err != nil:
			return false, err
		case errors.Is(end, io.EOF) && len(b.partial) > 0:
			return false, errCutFrame
		case errors.Is(end, io.EOF):
			return true, nil
		case errors.Is(end, codec.ErrShort) || end == nil && n == 0:
			return false, nil
		case end != nil:
			return false, end
		}
	}
}

// frames acts on the whole frames at the start of in and returns their length.
func (b *pushBody) frames(in []byte, act func(codec.Frame) error) (taken int, err error) {
	for taken < len(in) {
		if b.ended && in[taken] == 'P' {
			return taken, errNextRequest
		}
		f, n, err := codec.ParseFrame(in[taken:])
		if errors.Is(err, codec.ErrShort) {
			return taken, nil
		}
		if err != nil && bytes.HasPrefix(in[taken:], []byte(headerGUID)) {
			return taken, errRaw
		}
		if err != nil {
			return taken, err
		}
		if err := act(f); err != nil {
			return taken, err
		}
		if f.Type != 'F' { // it only fills the body up
			b.ended = f.Type == 'E'
		}
		taken += n
	}
	return taken, nil
}

// header finds the ASF header in a $H: at once in a push, after 8 bytes in MMSH framing.
func (b *pushBody) header(in []byte) []byte {
	if len(in) >= 12 && !bytes.HasPrefix(in, []byte(headerGUID)) && bytes.HasPrefix(in[8:], []byte(headerGUID)) {
		b.mmsh = true
		return in[8:]
	}
	return in
}

// packet finds the ASF packet in a $D.
func (b *pushBody) packet(in []byte) ([]byte, error) {
	if !b.mmsh {
		return in, nil
	}
	d, err := codec.ParseData(in)
	return d.Payload, err
}
