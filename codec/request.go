package codec

import (
	"bytes"
	"errors"
	"fmt"
)

var (
	// ErrVersion: HTTP, but neither 1.0 nor 1.1: a line without a version (0.9), the preface of HTTP/2. A server
	// answers it with 505.
	ErrVersion = errors.New("HTTP version not supported")

	// ErrMMST: the peer speaks MMS over TCP, which VLC and MPlayer try on the same port before HTTP. A server closes
	// its sending side at once: they wait for as long as it is open.
	ErrMMST = errors.New("MMS over TCP, not HTTP")
)

// A Request is the head of one request. All slices alias the input; a field that is not there is nil, one that is
// there without a value is empty. Of a field that comes twice the first counts, except where it says otherwise; Host
// may not come twice.
type Request struct {
	Method []byte // a token in the case it came in; unknown ones are the server's affair (405, 501)
	Target []byte // as it stands in the request line

	// Path is what the target names, still escaped (see AppendPath): it begins with one / (leading // come from encoders,
	// the host of an absolute-form from proxies and old clients), is * for OPTIONS *, and nil for CONNECT.
	Path  []byte
	Query []byte // what follows the first ?, nil without one

	Minor int // of HTTP/1.Minor: 0 or 1; what is above 1 counts as 1 ([RFC 9110] 2.5)

	Host          []byte // of an absolute-form target, otherwise of the Host field; may have a port, and be no name
	UserAgent     []byte // see ParseAgent
	ContentType   []byte // without parameters
	Cookie        []byte // see CookieValue
	Authorization []byte
	AcceptAuth    []byte // X-Accept-Authentication
	Via           Via    // of all Via fields together
	Range         []byte
	ForwardedFor  Lines // X-Forwarded-For
	Forwarded     Lines

	ContentLength int64 // bytes; -1 if absent, and always with Chunked
	Chunked       bool  // the body comes in chunks: see Chunked
	Close         bool  // Connection: close
	KeepAlive     bool  // Connection: keep-alive
	Expect        bool  // Expect: 100-continue
	HTML          bool  // an Accept field names text/html, as browsers do

	Pragma Pragma // of all Pragma fields together
}

// mmst begins every message of MMS over TCP: version 1, then the session id 0xB00BFACE. [MS-MMSP] TcpMessageHeader
var mmst = []byte{0x01, 0x00, 0x00, 0x00, 0xCE, 0xFA, 0x0B, 0xB0}

// ParseRequest reads the request head that b begins with into r and returns its length with the empty line: the body,
// or the next request of a pipeline, begins at b[n]. max bounds that length. r is only good if err is nil.
//
// Errors: ErrShort; ErrTooLarge, ErrLongLine, ErrVersion (wrapped); ErrMMST; anything else is a malformed request. A
// bad request line is found as soon as it is whole: a client of HTTP/0.9 sends nothing after it.
func ParseRequest(b []byte, max int, r *Request) (n int, err error) {
	if err := sniff(b); err != nil {
		return 0, err
	}
	*r = Request{ContentLength: -1, Pragma: Pragma{Play: -1}}
	h, short := cutHead(b, max)
	if h.start != nil {
		if err := r.requestLine(h.start); err != nil {
			return 0, err
		}
	}
	if short != nil {
		return 0, short
	}
	if err := r.readFields(&h.fields); err != nil {
		return 0, err
	}
	return h.n, nil
}

// sniff looks at the very first bytes. Clients of other protocols (MMST, TLS) may never send a line end, so waiting
// for one would hold them until a timeout.
func sniff(b []byte) error {
	switch {
	case len(b) == 0:
		return ErrShort
	case b[0] == '\r', b[0] == '\n', isTokenByte(b[0]):
		return nil
	case bytes.HasPrefix(b, mmst):
		return ErrMMST
	case bytes.HasPrefix(mmst, b):
		return ErrShort
	}
	return fmt.Errorf("request: first byte %#02x, not HTTP", b[0])
}

// requestLine takes `method SP target SP HTTP/1.x` apart. [RFC 9112] 3
func (r *Request) requestLine(line []byte) (err error) {
	method, rest, _ := bytes.Cut(line, space)
	if !isToken(method) {
		return fmt.Errorf("request line: method %.40q is no token", method)
	}
	target, version, ok := bytes.Cut(rest, space)
	r.Method, r.Target = method, target
	if err = r.cutTarget(); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("request line: %.40q without a version: %w", WithoutQuery(line), ErrVersion)
	}
	r.Minor, err = httpVersion(version)
	return err
}

// WithoutQuery is of a target, or of a line with one, what errors and logs may show: the query may be as good as a
// password.
func WithoutQuery(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte{'?'})
	return b
}

// httpVersion returns the minor version, 0 or 1, of `HTTP/1.x`.
func httpVersion(v []byte) (minor int, err error) {
	digits, ok := bytes.CutPrefix(v, []byte("HTTP/"))
	if !ok {
		return 0, fmt.Errorf("version %.40q is not HTTP/1.0 or HTTP/1.1", v)
	}
	if len(digits) != 3 || digits[0] != '1' || digits[1] != '.' || digits[2] < '0' || digits[2] > '9' {
		return 0, fmt.Errorf("version %.40q: %w", v, ErrVersion)
	}
	return min(int(digits[2]-'0'), 1), nil
}

// cutTarget finds path and query, and the host of an absolute-form. [RFC 9112] 3.2
//
//	origin-form     /streams/demo?x=1
//	absolute-form   http://host:8086/streams/demo?x=1
//	authority-form  host:8086            CONNECT only
//	asterisk-form   *
func (r *Request) cutTarget() error {
	t := r.Target
	if len(t) == 0 || hasControl(t) {
		return fmt.Errorf("target: %.40q is empty or has control characters", WithoutQuery(t))
	}
	switch {
	case t[0] == '/':
		r.cutPath(t)
		return nil
	case len(t) == 1 && t[0] == '*':
		r.Path = t
		return nil
	case fold(r.Method, "connect"):
		return nil
	}
	return r.cutAbsolute(t)
}

// PathOf returns what a target names, as Request.Path does; nil where it is none. It may write to target.
func PathOf(target []byte) []byte {
	r := Request{Target: target}
	if r.cutTarget() != nil {
		return nil
	}
	return r.Path
}

// cutAbsolute takes `scheme://[user@]host[/path][?query]` apart. [RFC 9112] 3.2.2 says that host replaces the field.
func (r *Request) cutAbsolute(t []byte) error {
	i := bytes.Index(t, []byte("://"))
	if i <= 0 || !isToken(t[:i]) {
		return fmt.Errorf("target: %.40q is neither a path nor a URL", WithoutQuery(t))
	}
	rest := t[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	user := bytes.LastIndexByte(rest[:end], '@')
	r.Host = rest[user+1 : end]
	if len(r.Host) == 0 {
		return fmt.Errorf("target: no host in %.40q", WithoutQuery(t))
	}
	r.cutPath(rest[end:])
	if len(r.Path) == 0 {
		r.Path = t[i+2 : i+3] // The root: the last slash of :// is the only / there is to point at.
	}
	return nil
}

// cutPath takes `/path[?query]` apart.
func (r *Request) cutPath(t []byte) {
	r.Path, r.Query, _ = bytes.Cut(t, []byte{'?'})
	for len(r.Path) > 1 && r.Path[1] == '/' {
		r.Path = r.Path[1:]
	}
}

func (r *Request) readFields(all *fields) error {
	body, hosts := framing{length: -1}, 0
	for {
		name, value, err := all.next()
		if err != nil {
			return err
		}
		if name == nil {
			break
		}
		if fold(name, "host") {
			hosts++
		}
		if err := r.field(name, value, &body); err != nil {
			return err
		}
	}
	if hosts > 1 {
		// A proxy in front of us may have looked at the other one. None at all is common in HTTP/1.0. [RFC 9112] 3.2
		return fmt.Errorf("host: %d of them, allowed is one", hosts)
	}
	if body.chunked && (body.length >= 0 || r.Minor == 0) {
		// Two answers to where the body ends, or one that HTTP/1.0 does not know: the classic of request smuggling.
		return fmt.Errorf("transfer-encoding: in HTTP/1.%d with content-length %d", r.Minor, body.length)
	}
	r.ContentLength, r.Chunked = body.length, body.chunked
	r.Close, r.KeepAlive = body.close, body.keepAlive
	return nil
}

func (r *Request) field(name, value []byte, body *framing) error {
	var buf [nameMax]byte
	switch string(lower(&buf, name)) {
	case "pragma":
		r.Pragma.Parse(value)
	case "host":
		return r.host(value)
	case "user-agent":
		first(&r.UserAgent, value)
	case "content-type":
		first(&r.ContentType, mediaType(value))
	case "cookie":
		first(&r.Cookie, value)
	case "authorization":
		first(&r.Authorization, value)
	case "accept":
		r.HTML = r.HTML || bytes.Contains(value, []byte("text/html"))
	case "x-accept-authentication":
		first(&r.AcceptAuth, value)
	case "via":
		return r.Via.add(value)
	case "range":
		first(&r.Range, value)
	case "x-forwarded-for":
		r.ForwardedFor.add(value)
	case "forwarded":
		r.Forwarded.add(value)
	case "expect":
		r.Expect = r.Expect || fold(value, "100-continue")
	case "connection":
		body.connection(value)
	case "content-length":
		return body.contentLength(value)
	case "transfer-encoding":
		return body.transferEncoding(value)
	}
	return nil
}

// host takes the Host field. We refuse what nginx and net/http both refuse, so no player can need it. To refuse more
// would be wrong: old ones send addresses of IPv6 without brackets, FFmpeg and VLC a name as it was typed.
func (r *Request) host(value []byte) error {
	if bytes.ContainsFunc(value, func(c rune) bool { return c == '/' || c <= ' ' || c == 0x7F }) {
		return fmt.Errorf("host: %.40q has a slash, a blank or a control character", value)
	}
	first(&r.Host, value)
	return nil
}
