package server

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/fanout"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// What we call ourselves. Rex, the encoder, to viewers: it spares us $M (mmsh.md §4.2). Cougar, the server, to
// encoders, in the one form that is proven with Windows Media Encoder (push.md §2).
const (
	viewerServer  = "Rex/9.0.0.2980"
	encoderServer = "Cougar/9.01.01.3814"
)

// A requester is who gets a reply, as far as that makes a difference to it. It is a value, for some are answered whose
// request is over or was none.
type requester struct {
	server string // what we call ourselves to it
	minor  int    // it speaks HTTP/1.minor

	// Of its request, which they must not outlive; nil where there is none.
	method []byte
	target []byte
	stream *stream.Stream
}

func requesterOf(r *codec.Request, server string) requester {
	return requester{server: server, minor: r.Minor, method: r.Method, target: r.Target}
}

// serverOf is what we call ourselves to whoever has the connection.
func serverOf(c *conn) string {
	if c.push != nil {
		return encoderServer
	}
	return viewerServer
}

// head begins a reply in HTTP/1.minor, in the loop's scratch; the caller adds fields and ends it.
func (l *loop) head(minor, code int, server string) []byte {
	b := codec.AppendStatus(l.reply[:0], minor, code)
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

// appendConnection says whether the connection stays, by name: HTTP/1.0 needs to hear it and VLC believes our
// Content-Length only then.
func appendConnection(b []byte, keep bool) []byte {
	if keep {
		return codec.AppendField(b, "Connection", "Keep-Alive")
	}
	return codec.AppendField(b, "Connection", "close")
}

// stays says whether the connection of a request may carry another: if the client asked for that by name, or speaks
// HTTP/1.1, did not say close, and is trusted to read a Content-Length (mmsh.md §4).
func stays(r *codec.Request, trusted bool) bool {
	return !r.Close && (r.KeepAlive || r.Minor == 1 && trusted)
}

// ok answers in HTTP/1.minor, with no body; keep: the connection stays.
func (l *loop) ok(c *conn, minor, code int, keep bool, fields ...string) {
	b := appendFields(l.head(minor, code, viewerServer), fields)
	b = codec.AppendIntField(b, "Content-Length", 0)
	l.send(c, appendConnection(b, keep), nil)
	l.finish(c, keep)
}

// isHead says whether a method wants only the head of the reply. It is what GET would get, without a body ([RFC 9110]
// 9.3.2).
func isHead(method []byte) bool { return string(method) == "HEAD" }

// finish closes c behind its reply, unless it is to be kept for another request.
func (l *loop) finish(c *conn, keep bool) {
	if !keep {
		l.mark(c, reason.Answered)
	}
}

// refuse answers with a status of 300 or more and a line that says why, and closes the connection. fields are names and
// values that the reply has besides; a 503 without Retry-After gets one.
func (l *loop) refuse(c *conn, to requester, code int, why string, fields ...string) {
	l.logRefusal(c, to, code, why)
	if to.stream != nil {
		to.stream.Stats().Refused.Count(code)
	} else {
		l.stats.refused.Count(code)
	}
	b := appendFields(l.head(to.minor, code, to.server), fields)
	if code == 503 && !slices.Contains(fields, "Retry-After") {
		b = codec.AppendIntField(b, "Retry-After", retryAfter())
	}
	body := why + "\n"
	b = codec.AppendField(b, "Content-Type", "text/plain")
	b = codec.AppendIntField(b, "Content-Length", int64(len(body)))
	if isHead(to.method) {
		body = ""
	}
	l.send(c, appendConnection(b, false), []byte(body))
	l.mark(c, refusal(code))
}

// refuseUnread refuses a connection that has sent no request, or none that could be parsed. It may be HEAD all the
// same, which must not get a body.
func (l *loop) refuseUnread(c *conn, code int, why string) {
	to := requester{server: serverOf(c), minor: 1}
	if b := bytes.TrimLeft(c.wire.peek(), "\r\n"); bytes.HasPrefix(b, []byte("HEAD ")) {
		to.method = b[:4]
	}
	l.refuse(c, to, code, why)
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
func refusal(code int) reason.Reason {
	switch code {
	case 400, 405, 501, 505:
		return reason.BadRequest
	case 413, 414, 431:
		return reason.TooLarge
	case 408:
		return reason.RequestTimeout
	}
	return reason.Refused
}

// retryAfter is in seconds: it spreads those who come back over a few of them.
func retryAfter() int64 { return 2 + rand.Int64N(4) }

// retryAt is that for who need not come back before a moment, but should not have to be told by hand when things have
// changed in the meantime: within the hour.
func retryAt(at, now time.Time) int64 {
	const longest = 3600
	seconds := int64(at.Sub(now).Seconds()) + 1
	return min(max(seconds, 0), longest) + retryAfter()
}

// describe is the reply to a Describe: exactly the $H, with its length, and normally the end of the connection.
func (l *loop) describe(c *conn, x exchange, g *stream.Generation, who identity) {
	keep := stays(x.Request, x.dialect.Keep)
	b := l.appendVia(l.head(x.Minor, 200, viewerServer), x)
	b = appendTokens(b, x.dialect, who)
	b = codec.AppendField(b, "Content-Type", "application/vnd.ms.wms-hdr.asfv1")
	b = codec.AppendIntField(b, "Content-Length", int64(len(g.Framed())))
	body := g.Framed()
	if isHead(x.Method) {
		body = nil
	}
	l.sendShared(c, appendConnection(b, keep), body)
	l.finish(c, keep)
}

// appendTokens adds the tokens of mmsh.md §4: who the client is to us, and that this is live.
func appendTokens(b []byte, d *fanout.Dialect, who identity) []byte {
	b = codec.AppendField(b, "Pragma", clientID(who.id))
	features := `features="broadcast"`
	if d.InBand() {
		features = `features="broadcast,playlist"` // $C may come
	}
	b = codec.AppendField(b, "Pragma", features)
	b = codec.AppendField(b, "Pragma", "timeout=60000")
	if who.reset {
		b = codec.AppendField(b, "Pragma", "xResetStrm=1")
	}
	return b
}

func clientID(id uint32) string { return "client-id=" + strconv.FormatUint(uint64(id), 10) }

// playHead is the head of the reply to a Play, for the viewer to keep until it is sent. Proxies must not collect what
// comes behind it: nginx does, unless it is told not to.
func (l *loop) playHead(x exchange, g *stream.Generation, who identity) []byte {
	b := l.appendVia(l.head(x.Minor, 200, viewerServer), x)
	if x.dialect.MMSH() {
		b = appendTokens(b, x.dialect, who)
		b = codec.AppendField(b, "Content-Type", "application/x-mms-framed")
	} else {
		b = codec.AppendField(b, "Content-Type", rawType(g.Header()))
	}
	b = codec.AppendField(b, "X-Accel-Buffering", "no")
	b = appendConnection(b, false)
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
