package codec

import (
	"bytes"
	"fmt"
)

// A Response is the head of one response. All slices alias the input, but values that were folded; a field that is not
// there is nil. Of a field that comes twice the first counts, except where it says otherwise.
type Response struct {
	Minor  int // of HTTP/1.Minor, 0 or 1; 0 for ICY
	Status int // 100 to 999
	Reason []byte

	Server            []byte // nothing to rely on: VLC says `Cougar 4.1.0.3921`, FFmpeg nothing
	ContentType       []byte // without parameters
	Location          []byte
	WWWAuthenticate   []byte // one challenge, from its scheme on: the best of all, see rank
	ProxyAuthenticate []byte // Proxy-Authenticate, likewise
	PushID            []byte // of the Set-Cookie fields, see CookieValue
	RetryAfter        []byte // seconds or a date
	Via               Via    // of all Via fields together

	ContentLength int64 // bytes; -1 if absent or said to be unknown, and always with Chunked
	Chunked       bool  // the body comes in chunks: see Chunked
	Close         bool  // Connection: close
	KeepAlive     bool  // Connection: keep-alive

	Pragma Pragma // of all Pragma fields together
}

// ParseResponse reads the response head that b begins with into r and returns its length with the empty line: the
// body begins at b[n]. max bounds that length. r is only good if err is nil.
//
// Errors: ErrShort; ErrTooLarge, ErrLongLine (wrapped); anything else is a malformed response. A bad status line is
// found as soon as it is whole. Fields are refused only where they leave open where the body ends: see looseFields.
func ParseResponse(b []byte, max int, r *Response) (n int, err error) {
	if len(b) == 0 {
		return 0, ErrShort
	}
	*r = Response{ContentLength: -1, Pragma: Pragma{Play: -1}}
	h, short := cutHead(b, max)
	if h.start != nil {
		if err := r.statusLine(h.start); err != nil {
			return 0, err
		}
	}
	if short != nil {
		return 0, short
	}
	if err := r.readFields(looseFields{h.fields.rest}); err != nil {
		return 0, err
	}
	return h.n, nil
}

// statusLine takes `HTTP/1.x SP status [SP reason]` apart. Old streaming servers say ICY for HTTP/1.0, and some
// servers leave out the reason, or the space before it. [RFC 9112] 4
func (r *Response) statusLine(line []byte) (err error) {
	version, rest, _ := bytes.Cut(line, space)
	if !fold(version, "icy") {
		if r.Minor, err = httpVersion(version); err != nil {
			return err
		}
	}
	rest = trim(rest)
	digits := digitsIn(rest)
	code, ok := number(rest[:digits], 3)
	if !ok || code < 100 {
		return fmt.Errorf("status line: status %.40q, allowed are three digits from 100", rest)
	}
	r.Status = int(code)
	if reason := trim(rest[digits:]); len(reason) > 0 {
		r.Reason = reason
	}
	return nil
}

// digitsIn counts the decimal digits that b begins with.
func digitsIn(b []byte) (n int) {
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

func (r *Response) readFields(all looseFields) error {
	body := framing{length: -1}
	for name, value := all.next(); name != nil; name, value = all.next() {
		if err := r.field(name, value, &body); err != nil {
			return err
		}
	}
	if body.chunked {
		body.length = -1 // Whoever sent both means the chunks. [RFC 9112] 6.3
	}
	r.ContentLength, r.Chunked = body.length, body.chunked
	r.Close, r.KeepAlive = body.close, body.keepAlive
	return nil
}

func (r *Response) field(name, value []byte, body *framing) error {
	var buf [nameMax]byte
	name = lower(&buf, name)
	switch string(name) {
	case "content-length":
		return body.looseLength(value)
	case "transfer-encoding":
		return body.transferEncoding(value)
	}
	if bytes.IndexByte(value, 0) >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		return nil // it says nothing that could be passed on or followed
	}
	switch string(name) {
	case "pragma":
		r.Pragma.Parse(value)
	case "server":
		first(&r.Server, value)
	case "content-type":
		first(&r.ContentType, mediaType(value))
	case "location":
		first(&r.Location, value)
	case "www-authenticate":
		challenges(&r.WWWAuthenticate, value)
	case "proxy-authenticate":
		challenges(&r.ProxyAuthenticate, value)
	case "set-cookie":
		if id := CookieValue(value, "push-id"); id != nil {
			first(&r.PushID, id)
		}
	case "retry-after":
		first(&r.RetryAfter, value)
	case "via":
		return r.Via.add(value)
	case "connection":
		body.connection(value)
	}
	return nil
}

// challenges picks from one WWW-Authenticate or Proxy-Authenticate field, which may hold several challenges, what is
// better than picked. [RFC 9110] 11.6.1
func challenges(picked *[]byte, value []byte) {
	for best := rank(*picked); len(value) > 0; {
		var one []byte
		one, value = cutChallenge(value)
		if n := rank(one); n > best {
			*picked, best = one, n
		}
	}
}

// rank orders challenges: Digest with MD5 is what all of this field's programs can do, before Basic, which shows the
// password. Newer servers put a Digest with SHA-256 first.
func rank(challenge []byte) int {
	switch {
	case hasScheme(challenge, "basic"):
		return 2
	case !hasScheme(challenge, "digest"):
		return 0
	case bytes.Contains(challenge, []byte("SHA-")), bytes.Contains(challenge, []byte("sha-")):
		return 1
	}
	return 3
}

// cutChallenge cuts the first challenge off a list. Commas separate the challenges and also the parameters of each,
// but a parameter has an = behind its name.
//
//	NTLM, Digest realm="a, b", nonce="x=", Basic realm="a"
func cutChallenge(list []byte) (one, rest []byte) {
	for rest = afterComma(list); rest != nil; rest = afterComma(rest) {
		next := trim(rest)
		next = trim(next[tokenLen(next):])
		if len(next) == 0 || next[0] != '=' {
			return trim(list[:len(list)-len(rest)-1]), rest
		}
	}
	return trim(list), nil
}

func hasScheme(challenge []byte, scheme string) bool {
	return fold(challenge[:tokenLen(challenge)], scheme)
}

// afterComma returns what follows the first comma of b that is not inside a quoted string. [RFC 9110] 5.6.4
func afterComma(b []byte) []byte {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return b[i+1:]
		}
	}
	return nil
}
