package upstream

import (
	"errors"
	"io"

	"pumpd/codec"
)

// A chunkedBody takes the chunks off a body: FFmpeg and some proxies chunk even for HTTP/1.0.
type chunkedBody struct {
	in    *window
	state codec.Chunked
	data  []byte // taken apart and not yet handed out, in the window
}

const chunkWindow = 16 << 10 // bytes

func newChunkedBody(from io.Reader) *chunkedBody {
	return &chunkedBody{in: newWindow(from, chunkWindow), state: codec.Chunked{BareLF: true}}
}

// holds says that there is more than was read of it.
func (c *chunkedBody) holds() bool { return len(c.data)+len(c.in.bytes()) > 0 }

func (c *chunkedBody) Read(p []byte) (int, error) {
	for len(c.data) == 0 {
		data, n, err := c.state.Next(c.in.bytes())
		c.in.use(n)
		c.data = data
		if errors.Is(err, codec.ErrShort) {
			if err = c.in.fill(); errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the last chunk is missing
			}
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, c.data)
	c.data = c.data[n:]
	return n, nil
}
