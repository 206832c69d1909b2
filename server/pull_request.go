package server

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"pumpd/asf"
	"pumpd/codec"
)

// A pullRequest is a Describe or a Play to an upstream: clients.md §7.
type pullRequest struct {
	to       *upstream
	proxy    *upstream // not nil: in absolute form, with its credentials
	via      string    // our name, by which a circle of pumps is found out
	guid     string    // of this puller, as players have one
	auth     string    // Authorization, "" is none
	play     bool
	streams  []asf.Stream // Play: what Describe found; all of them are asked for
	clientID uint32       // Play: what Describe gave us
	known    bool         // there is a clientID
}

// pullAgent is what we claim to be. A server owes version 7 redirects by status and $C with a new header on the same
// connection, which 4.1 has to do without, and still spares it what came with 9: $M, the B bit, pipelining (mmsh.md
// §2). VLC claims the same, so servers have seen it.
const pullAgent = "NSPlayer/7.10.0.3059"

// append writes the request as an HTTP/1.0 one, so that nobody answers in chunks who can do without.
func (r *pullRequest) append(b []byte) []byte {
	target := r.to.target
	if r.proxy != nil {
		target = r.to.absolute()
	}
	b = codec.AppendRequestLine(b, "GET", target, 0)
	b = codec.AppendField(b, "Accept", "*/*")
	b = codec.AppendField(b, "User-Agent", pullAgent)
	b = codec.AppendField(b, "Host", r.to.host)
	b = codec.AppendField(b, "Via", "1.0 "+r.via)
	if r.auth != "" {
		b = codec.AppendField(b, "Authorization", r.auth)
	}
	if r.proxy != nil {
		b = r.proxy.appendProxyAuthorization(b)
	}
	if r.play {
		b = r.appendPlay(b)
	} else {
		b = codec.AppendField(b, "Pragma",
			"no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0")
	}
	b = codec.AppendField(b, "Pragma", "xClientGUID={"+r.guid+"}")
	b = codec.AppendField(b, "Connection", "Close")
	return append(b, "\r\n"...)
}

func (r *pullRequest) appendPlay(b []byte) []byte {
	b = codec.AppendField(b, "Pragma", "no-cache,rate=1.000000,request-context=2")
	b = codec.AppendField(b, "Pragma", "xPlayStrm=1")
	if r.known {
		b = codec.AppendField(b, "Pragma", "client-id="+strconv.FormatUint(uint64(r.clientID), 10))
	}
	// Windows Media Services sends nothing of a stream that is not listed. Numbers are hexadecimal. For peercast-yt it is
	// the count that makes a Play, not xPlayStrm.
	var entries strings.Builder
	for _, s := range r.streams {
		fmt.Fprintf(&entries, "ffff:%x:0 ", s.Number)
	}
	b = codec.AppendField(b, "Pragma", "stream-switch-count="+strconv.Itoa(len(r.streams)))
	return codec.AppendField(b, "Pragma", "stream-switch-entry="+entries.String())
}

// newGUID is a random one, as each player has.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// A pullReply is the head of an upstream's answer.
type pullReply struct {
	status    int
	reason    string
	server    string
	media     string // Content-Type
	location  string
	challenge string // of a 401: WWW-Authenticate
	via       string
	clientID  uint32
	known     bool // there is a clientID
	chunked   bool
	length    int64 // of the body, -1 if not said
}

const (
	maxReplyHead    = 16 << 10 // bytes
	maxInterim      = 8        // answers such as 100 before the real one
	firstFinalReply = 200
)

// readReply reads the head of an answer and gives its body, of which it may have read a part.
func readReply(from io.Reader) (*pullReply, io.Reader, error) {
	in := newWindow(from, maxReplyHead)
	for range maxInterim {
		r, err := nextReply(in)
		if err != nil {
			return nil, nil, fmt.Errorf("reply: %w", err)
		}
		if r.status >= firstFinalReply {
			return r, r.body(io.MultiReader(bytes.NewReader(in.bytes()), from)), nil
		}
	}
	return nil, nil, fmt.Errorf("reply: more than %d interim ones", maxInterim)
}

func nextReply(in *window) (*pullReply, error) {
	for {
		var r codec.Response
		n, err := codec.ParseResponse(in.bytes(), maxReplyHead, &r)
		switch {
		case err == nil:
			in.use(n)
			return newPullReply(&r), nil
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
func cutReply(in *window) (*pullReply, error) {
	var r codec.Response
	lines := in.bytes()[:bytes.LastIndexByte(in.bytes(), '\n')+1]
	if _, err := codec.ParseResponse(append(bytes.Clone(lines), "\r\n"...), maxReplyHead, &r); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	in.use(len(in.bytes()))
	return newPullReply(&r), nil
}

func newPullReply(r *codec.Response) *pullReply {
	return &pullReply{
		status:    r.Status,
		reason:    string(r.Reason),
		server:    string(r.Server),
		media:     string(r.ContentType),
		location:  string(r.Location),
		via:       r.Via.String(),
		clientID:  r.Pragma.ClientID,
		known:     r.Pragma.HasClientID,
		challenge: string(r.WWWAuthenticate),
		chunked:   r.Chunked,
		length:    r.ContentLength,
	}
}

// body gives what follows the head, up to where the head says that it ends: io.EOF then, however long the connection
// stays open.
func (p *pullReply) body(from io.Reader) io.Reader {
	switch {
	case p.chunked:
		return newChunkedBody(from)
	case p.length >= 0:
		return io.LimitReader(from, p.length)
	}
	return from
}

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
