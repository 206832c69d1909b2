package access

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// A signed URL has up to four parameters of ours. What is signed is the URL itself, from its path, in lower case and
// with nothing escaped, up to the signature:
//
//	/streams/demo?e=1795770000&ip=192.0.2.7&id=ann&s=rPq…
//	\_____________________________________________/   \_ HMAC-SHA256 of that, in base64url or hex
//
// e is when it is over, in seconds since 1970. ip, an address or a network, and id, a name for whom it was made, may be
// left out. Parameters that are not ours may stand anywhere, and are not signed: players add their own.
type signed struct {
	expires string
	from    string
	viewer  string
	sum     string
}

// A Signature is what is known of that of a URL.
type Signature uint8

// What may be known of a signature.
const (
	SignatureNone      Signature = iota // there is none
	SignatureMalformed                  // not as above
	SignatureWrong
	SignatureExpired   // right, but too late
	SignatureElsewhere // right, but for another address
	SignatureRight
)

// String says it to the viewer.
func (s Signature) String() string {
	return [...]string{
		"this stream wants a signed URL", "the signed URL is not understood", "the signature of the URL is wrong",
		"the signed URL has expired", "the signed URL is for another address", "signed",
	}[s]
}

const maxViewer = 64 // bytes of id

// verify says what the signature of a query is, and if it is right for whom it was made. now is in seconds since 1970.
// How long it takes says nothing about the keys: all of them are tried, each to the end.
func (p *Policy) verify(query []byte, from netip.Addr, now int64) (s Signature, viewer string) {
	q, s := parseSigned(query)
	if s != SignatureRight {
		return s, ""
	}
	sum, err := decodeSum(q.sum)
	if err != nil {
		return SignatureMalformed, ""
	}
	text, right := p.path+q.query(), false
	for _, key := range p.keys {
		right = hmac.Equal(sign(key, text), sum) || right
	}
	if !right {
		return SignatureWrong, ""
	}
	if expires, err := strconv.ParseInt(q.expires, 10, 64); err != nil || now >= expires {
		return SignatureExpired, ""
	}
	if q.from != "" {
		if n, err := auth.ParseNetwork(q.from); err != nil || !n.Contains(from.WithZone("")) {
			return SignatureElsewhere, ""
		}
	}
	return SignatureRight, q.viewer
}

func sign(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// query is that of the URL up to the signature.
func (q *signed) query() string {
	text := "?e=" + q.expires
	if q.from != "" {
		text += "&ip=" + q.from
	}
	if q.viewer != "" {
		text += "&id=" + q.viewer
	}
	return text
}

// parseSigned finds our parameters in a query. SignatureRight means no more than that they are well-formed. A player
// that adds to a URL may do so with a second question mark ("?e=…&s=…?MSWMExt=.asf"), escape what need not be, or leave
// a fragment on it.
func parseSigned(query []byte) (q signed, s Signature) {
	query = untilFragment(query)
	for part := range bytes.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == '?' }) {
		name, value, _ := bytes.Cut(part, []byte("="))
		to := q.parameter(string(name))
		if to == nil {
			continue
		}
		text, err := url.PathUnescape(string(value)) // not QueryUnescape: a + is one
		if err != nil || text == "" || *to != "" {
			return signed{}, SignatureMalformed
		}
		*to = text
	}
	switch {
	case q == signed{}:
		return q, SignatureNone
	case q.sum == "" && q.expires == "":
		return signed{}, SignatureNone // ip and id may be somebody else's
	case q.sum == "", !isExpiry(q.expires), q.from != "" && !isNetwork(q.from), q.viewer != "" && !isViewer(q.viewer):
		return signed{}, SignatureMalformed
	}
	return q, SignatureRight
}

func (q *signed) parameter(name string) *string {
	switch name {
	case "e":
		return &q.expires
	case "ip":
		return &q.from
	case "id":
		return &q.viewer
	case "s":
		return &q.sum
	}
	return nil
}

// untilFragment cuts off what MPlayer leaves on a URL, escaped or not.
func untilFragment(query []byte) []byte {
	query, _, _ = bytes.Cut(query, []byte("#"))
	query, _, _ = bytes.Cut(query, []byte("%23"))
	return query
}

func isExpiry(s string) bool {
	return len(s) <= 18 && s != "" && strings.Trim(s, "0123456789") == ""
}

func isNetwork(s string) bool {
	_, err := auth.ParseNetwork(s)
	return err == nil
}

// isViewer wants what stands for itself in a URL, and in a log.
func isViewer(s string) bool {
	return s != "" && len(s) <= maxViewer && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && !strings.ContainsRune("._-@", r)
	})
}

var errSum = errors.New("signature: want 43 characters of base64url or 64 hex digits")

func decodeSum(s string) ([]byte, error) {
	if len(s) == hex.EncodedLen(sha256.Size) {
		return hex.DecodeString(s)
	}
	s = strings.TrimRight(s, "=")
	if len(s) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return nil, errSum
	}
	return base64.RawURLEncoding.DecodeString(s)
}

// A Grant is what a signed URL is made for.
type Grant struct {
	Expires int64  // seconds since 1970
	From    string // address or network; "" is any
	Viewer  string // its name; "" is none
}

// Sign returns a URL of the stream as it was given, with our parameters at the end of its query; those that it had
// before are replaced. The first key signs.
func (p *Policy) Sign(u *url.URL, g Grant) (string, error) {
	q := signed{expires: strconv.FormatInt(g.Expires, 10), from: g.From, viewer: g.Viewer}
	switch {
	case len(p.keys) == 0:
		return "", errors.New("the stream has no view_keys")
	case g.From != "" && !isNetwork(g.From):
		return "", fmt.Errorf("address %.80q, want one such as 192.0.2.7, or a network such as 10.0.0.0/8", g.From)
	case g.Viewer != "" && !isViewer(g.Viewer):
		return "", fmt.Errorf("viewer %.80q, want up to %d letters, digits, and . _ - @", g.Viewer, maxViewer)
	}
	sum := base64.RawURLEncoding.EncodeToString(sign(p.keys[0], p.path+q.query()))
	to := *u
	to.Fragment, to.RawQuery = "", othersOf(u.RawQuery)+strings.TrimPrefix(q.query(), "?")+"&s="+sum
	return to.String(), nil
}

// SignURL is Sign for the stream that a URL names, also one that is switched off.
func SignURL(c *config.Config, raw string, g Grant) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("%.200q: not a URL", raw)
	}
	path := "/" + strings.ToLower(strings.Trim(u.Path, "/"))
	i := slices.IndexFunc(c.Streams, func(s config.Stream) bool { return Path(&s) == path })
	if i < 0 {
		return "", fmt.Errorf("%.200q: the configuration has no such stream, want a URL such as "+
			"mmsh://host:8086/streams/NAME", raw)
	}
	p, err := New(&c.Streams[i])
	if err != nil {
		return "", err
	}
	if p == nil {
		p = &Policy{} // which has no keys
	}
	signed, err := p.Sign(u, g)
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", c.Streams[i].Path, err)
	}
	return signed, nil
}

// othersOf is what of a query is not ours, up to where ours follows.
func othersOf(query string) (others string) {
	var q signed
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == '?' }) {
		if name, _, _ := strings.Cut(part, "="); q.parameter(name) == nil {
			others += part + "&"
		}
	}
	return others
}
