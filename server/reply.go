package server

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"

	"pumpd/asf"
	"pumpd/codec"
)

// What we call ourselves. Rex, the encoder, to viewers: it spares us $M (mmsh.md §4.2). Cougar, the server, to
// encoders, in the one form that is proven with Windows Media Encoder (push.md §2).
const (
	viewerServer  = "Rex/9.0.0.2980"
	encoderServer = "Cougar/9.01.01.3814"
)

// head begins a reply to the request being served, in the loop's scratch; the caller adds fields and ends it.
func (l *loop) head(code int, server string) []byte {
	b := codec.AppendStatus(l.reply[:0], l.request.Minor, code)
	b = codec.AppendField(b, "Server", server)
	b = codec.AppendField(b, "Cache-Control", "no-cache")
	return codec.AppendField(b, "Pragma", "no-cache")
}

// send ends the head, adds the body and writes the reply. b is the scratch that head gave.
func (l *loop) send(c *conn, b, body []byte) {
	b = append(b, "\r\n"...)
	b = append(b, body...)
	l.reply = b[:0]
	c.wire.write(b)
}

// appendFields adds name, value, name, value, …
func appendFields(b []byte, fields []string) []byte {
	for i := 0; i+1 < len(fields); i += 2 {
		b = codec.AppendField(b, fields[i], fields[i+1])
	}
	return b
}

// connection says whether the connection stays, by name: HTTP/1.0 needs to hear it and VLC believes our Content-Length
// only then.
func connection(b []byte, keep bool) []byte {
	if keep {
		return codec.AppendField(b, "Connection", "Keep-Alive")
	}
	return codec.AppendField(b, "Connection", "close")
}

// stays says whether the connection of a request may carry another: if the client asked for that by name, or speaks
// HTTP/1.1, did not say close, and is one that reads a Content-Length (mmsh.md §4).
func stays(r *codec.Request, trusted bool) bool {
	return !r.Close && (r.KeepAlive || r.Minor == 1 && trusted)
}

// ok answers with no body.
func (l *loop) ok(c *conn, code int, keep bool, fields ...string) {
	b := appendFields(l.head(code, viewerServer), fields)
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, connection(b, keep), nil)
	l.over(c, keep)
}

// isHead says whether only the head of the answer is wanted. It is what GET would get, without a body ([RFC 9110]
// 9.3.2).
func isHead(r *codec.Request) bool { return string(r.Method) == "HEAD" }

// over ends a conn that was only asked something and is not to stay.
func (l *loop) over(c *conn, keep bool) {
	if !keep {
		l.mark(c, answered)
	}
}

// refuse answers with an error, a line that says why, and the end of the connection.
func (l *loop) refuse(c *conn, code int, why string, fields ...string) {
	l.logRefusal(c, code, why)
	server := viewerServer
	if c.push != nil || l.encoder {
		server = encoderServer
	}
	b := appendFields(l.head(code, server), fields)
	if code == 503 {
		b = codec.AppendIntField(b, "Retry-After", retryAfter())
	}
	body := why + "\n"
	b = codec.AppendField(b, "Content-Type", "text/plain")
	b = codec.AppendIntField(b, "Content-Length", int64(len(body)))
	if isHead(&l.request) {
		body = ""
	}
	l.send(c, connection(b, false), []byte(body))
	l.mark(c, refusal(code))
}

// rebuff refuses what is no request. Whatever the loop served last has nothing to do with it.
func (l *loop) rebuff(c *conn, code int, why string) {
	l.request, l.encoder = codec.Request{Minor: 1, Close: true}, false
	if b := bytes.TrimLeft(c.wire.peek(), "\r\n"); bytes.HasPrefix(b, []byte("HEAD ")) {
		l.request.Method = b[:4]
	}
	l.refuse(c, code, why)
}

// statusOf is the status for a request that could not be parsed.
func statusOf(err error) int {
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		return 431
	case errors.Is(err, codec.ErrLongLine):
		return 414
	case errors.Is(err, codec.ErrVersion):
		return 505
	}
	return 400
}

// refusal is the reason that goes with a status.
func refusal(code int) reason {
	switch code {
	case 400, 405, 501, 505:
		return badRequest
	case 413, 414, 431:
		return tooLarge
	case 408:
		return requestTimeout
	}
	return refused
}

// retryAfter spreads those who come back over a few seconds.
func retryAfter() int64 { return 2 + rand.Int64N(4) }

// describe is the reply to a Describe: exactly the $H, with its length, and normally the end of the connection.
func (l *loop) describe(c *conn, st *stream, d *dialect, g *generation, id uint32, reset bool) {
	keep := stays(&l.request, d.keep)
	b := l.appendPath(l.head(200, viewerServer), st)
	b = l.tokens(b, d, id, reset)
	b = codec.AppendField(b, "Content-Type", "application/vnd.ms.wms-hdr.asfv1")
	b = codec.AppendIntField(b, "Content-Length", int64(len(g.framed)))
	body := g.framed
	if isHead(&l.request) {
		body = nil
	}
	l.sendShared(c, connection(b, keep), body)
	l.over(c, keep)
}

// tokens adds the tokens of mmsh.md §4: who the client is to us, and that this is live.
func (l *loop) tokens(b []byte, d *dialect, id uint32, reset bool) []byte {
	b = codec.AppendField(b, "Pragma", clientID(id))
	features := `features="broadcast"`
	if d.crossing == changeInBand {
		features = `features="broadcast,playlist"` // $C may come
	}
	b = codec.AppendField(b, "Pragma", features)
	b = codec.AppendField(b, "Pragma", "timeout=60000")
	if reset {
		b = codec.AppendField(b, "Pragma", "xResetStrm=1")
	}
	return b
}

func clientID(id uint32) string { return "client-id=" + strconv.FormatUint(uint64(id), 10) }

// playHead is the head of the reply to a Play, for the viewer to keep until it is sent. Proxies must not collect what
// comes behind it: nginx does, unless it is told not to.
func (l *loop) playHead(st *stream, d *dialect, g *generation, id uint32, reset bool) []byte {
	b := l.appendPath(l.head(200, viewerServer), st)
	if d.mmsh() {
		b = l.tokens(b, d, id, reset)
		b = codec.AppendField(b, "Content-Type", "application/x-mms-framed")
	} else {
		b = codec.AppendField(b, "Content-Type", rawType(g.header))
	}
	b = codec.AppendField(b, "X-Accel-Buffering", "no")
	b = connection(b, false)
	b = append(b, "\r\n"...)
	l.reply = b[:0]
	return append(make([]byte, 0, len(b)), b...)
}

// rawType is the media type of a stream as plain ASF: one for what can only be heard (asf.md §8).
func rawType(h *asf.Header) string {
	audible := func(s asf.Stream) bool { return s.Kind == asf.Audio }
	visible := func(s asf.Stream) bool { return s.Kind != asf.Audio && s.Kind != asf.Command }
	if slices.ContainsFunc(h.Streams, audible) && !slices.ContainsFunc(h.Streams, visible) {
		return "audio/x-ms-wma"
	}
	return "video/x-ms-asf"
}
