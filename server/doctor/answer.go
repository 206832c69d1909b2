package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"time"

	"pumpd/codec"
)

// An answer is the head of a response, and a connection on which its body follows.
type answer struct {
	codec.Response
	conn net.Conn
	body *bufio.Reader
	stop func() bool // ends the watch over the context
}

const (
	maxAnswerHead = 16 << 10
	bodyBuffer    = 80 << 10 // more than a frame
)

// ask sends a client's request and reads the head of what comes back.
func (x *examination) ask(ctx context.Context, at endpoint, request []byte) (*answer, error) {
	conn, err := x.dial(ctx, at)
	if err != nil {
		return nil, err
	}
	a := &answer{conn: conn, stop: context.AfterFunc(ctx, func() { conn.Close() })}
	conn.SetDeadline(time.Now().Add(x.options.Patience))
	if _, err = conn.Write(request); err == nil {
		err = a.readHead()
	}
	if err != nil {
		a.close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("no answer for %v", x.options.Patience)
		}
		return nil, err
	}
	return a, nil
}

func (a *answer) close() {
	a.stop()
	a.conn.Close()
}

// readHead also skips answers such as 100 that come before the real one.
func (a *answer) readHead() error {
	in := bufio.NewReaderSize(a.conn, bodyBuffer)
	for have := 1; ; have++ {
		b, err := in.Peek(have)
		if err != nil {
			return noHead(err, len(b))
		}
		have = max(have, in.Buffered())
		b, _ = in.Peek(have)
		b = append([]byte(nil), b...) // the fields of the response stay
		n, err := codec.ParseResponse(b, maxAnswerHead, &a.Response)
		switch {
		case errors.Is(err, codec.ErrShort):
			continue
		case err != nil:
			return fmt.Errorf("what answers there does not speak HTTP: %w", err)
		}
		in.Discard(n)
		if a.Status >= 200 {
			break
		}
		have = 0
	}
	a.body = in
	switch {
	case a.Chunked:
		a.body = bufio.NewReaderSize(httputil.NewChunkedReader(in), bodyBuffer)
	case a.ContentLength >= 0:
		a.body = bufio.NewReaderSize(io.LimitReader(in, a.ContentLength), bodyBuffer)
	}
	return nil
}

// noHead explains a connection that broke off after n bytes of a head.
func noHead(err error, n int) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the connection was closed after %d bytes of an answer", n)
	}
	return err
}

// frame reads one frame of MMSH. io.EOF: there are no more.
func (a *answer) frame() (codec.Frame, error) {
	const head = 4
	b, err := a.body.Peek(head)
	if err != nil {
		return codec.Frame{}, err
	}
	if _, _, err = codec.ParseFrame(b); !errors.Is(err, codec.ErrShort) && err != nil {
		return codec.Frame{}, err
	}
	if b, err = a.body.Peek(head + int(b[2]) + int(b[3])<<8); err != nil {
		return codec.Frame{}, err
	}
	f, n, err := codec.ParseFrame(b)
	if err != nil {
		return codec.Frame{}, err
	}
	f.Body = append([]byte(nil), f.Body...)
	a.body.Discard(n)
	return f, nil
}
