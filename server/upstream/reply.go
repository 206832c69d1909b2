package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"pumpd/codec"
)

// A reply is the head of an upstream's answer.
type reply struct {
	status    int
	reason    string
	server    string
	media     string // Content-Type
	location  string
	challenge string // of a 401: WWW-Authenticate
	proxyAsks string // of a 407: Proxy-Authenticate
	via       string
	clientID  uint32
	known     bool // there is a clientID
	chunked   bool
	length    int64 // of the body, -1 if not said
	closes    bool  // no other request can follow on the connection

	// Of an answer to a push.
	pushID     string
	retryAfter string
	pushTime   uint32
	timed      bool // there is a pushTime
}

const (
	maxReplyHead    = 16 << 10 // bytes
	maxInterim      = 8        // answers such as 100 before the real one
	firstFinalReply = 200
)

// readReply reads the head of an answer and gives its body, of which it may have read a part.
func readReply(from io.Reader) (*reply, io.Reader, error) {
	in := newWindow(from, maxReplyHead)
	for range maxInterim {
		r, err := nextReply(in)
		if err != nil {
			return nil, nil, fmt.Errorf("reply: %w", err)
		}
		if r.status >= firstFinalReply {
			return r, r.body(&remainder{in.bytes(), from}), nil
		}
	}
	return nil, nil, fmt.Errorf("reply: more than %d interim ones", maxInterim)
}

// A remainder is what follows a head: what was read with it, and then the connection.
type remainder struct {
	read []byte
	from io.Reader
}

func (r *remainder) Read(p []byte) (int, error) {
	if len(r.read) == 0 {
		return r.from.Read(p)
	}
	n := copy(p, r.read)
	r.read = r.read[n:]
	return n, nil
}

func nextReply(in *window) (*reply, error) {
	for {
		var r codec.Response
		n, err := codec.ParseResponse(in.bytes(), maxReplyHead, &r)
		switch {
		case err == nil:
			in.use(n)
			return newReply(&r), nil
		case !errors.Is(err, codec.ErrShort):
			return nil, err
		}
		if err := in.fill(); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return cutReply(in)
		} else if err != nil {
			return nil, err
		}
	}
}

// cutReply is a head that ends with the connection and not with an empty line. Its whole lines count: some servers say
// no more than `HTTP/1.0 503 Service Unavailable`.
func cutReply(in *window) (*reply, error) {
	var r codec.Response
	lines := in.bytes()[:bytes.LastIndexByte(in.bytes(), '\n')+1]
	if _, err := codec.ParseResponse(append(bytes.Clone(lines), "\r\n"...), maxReplyHead, &r); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	in.use(len(in.bytes()))
	return newReply(&r), nil
}

func newReply(r *codec.Response) *reply {
	return &reply{
		status:    r.Status,
		reason:    string(r.Reason),
		server:    string(r.Server),
		media:     string(r.ContentType),
		location:  string(r.Location),
		via:       r.Via.String(),
		clientID:  r.Pragma.ClientID,
		known:     r.Pragma.HasClientID,
		challenge: string(r.WWWAuthenticate),
		proxyAsks: string(r.ProxyAuthenticate),
		chunked:   r.Chunked,
		length:    r.ContentLength,
		closes:    r.Close || r.Minor == 0 && !r.KeepAlive,

		pushID:     string(r.PushID),
		retryAfter: string(r.RetryAfter),
		pushTime:   r.Pragma.PushTime,
		timed:      r.Pragma.HasPushTime,
	}
}

// body gives what follows the head, up to where the head says that it ends: io.EOF then, however long the connection
// stays open.
func (p *reply) body(from io.Reader) io.Reader {
	switch {
	case p.chunked:
		return newChunkedBody(from)
	case p.length >= 0:
		return io.LimitReader(from, p.length)
	}
	return from
}
