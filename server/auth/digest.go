package auth

import (
	"crypto/md5" // what encoders speak; see digest
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A digest is one Digest exchange as a client proves it: RFC 7616 with MD5 (which is RFC 2617), because Windows Media's
// encoders and WinInet know nothing newer, and SHA-256. The same fields are in a challenge, except those that the
// client adds.
//
//	Authorization: Digest username="u", realm="r", nonce="n", uri="/x", response="…", qop=auth, nc=00000001, cnonce="c"
//
// Without qop it is the older form of RFC 2069, which leaves nc and cnonce out of the sum; both are accepted.
type digest struct {
	username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, opaque, stale string
}

var errDigest = errors.New("digest")

// parseDigest reads the parameters after the scheme. Unknown ones are ignored, as RFC 7616 3.4 wants.
func parseDigest(s string) (d digest, err error) {
	err = parseParams(s, func(name, value string) error {
		p := d.field(name)
		switch {
		case p == nil:
			return nil
		case *p != "":
			return fmt.Errorf("%w: %s given twice", errDigest, name)
		}
		*p = value
		return nil
	})
	return d, err
}

func (d *digest) field(name string) *string {
	switch name {
	case "username":
		return &d.username
	case "realm":
		return &d.realm
	case "nonce":
		return &d.nonce
	case "uri":
		return &d.uri
	case "response":
		return &d.response
	case "algorithm":
		return &d.algorithm
	case "qop":
		return &d.qop
	case "nc":
		return &d.nc
	case "cnonce":
		return &d.cnonce
	case "opaque":
		return &d.opaque
	case "stale":
		return &d.stale
	}
	return nil
}

// A summer makes the sums of a Digest algorithm: H of its parts with colons between, in hex.
type summer func(parts ...string) string

const sha256Name = "SHA-256"

// isSHA256 says whether the exchange's algorithm is the newer one.
func (d *digest) isSHA256() bool { return strings.EqualFold(d.algorithm, sha256Name) }

// sums are those of the exchange's algorithm; nil: we know it not.
func (d *digest) sums() summer {
	switch {
	case d.algorithm == "", strings.EqualFold(d.algorithm, "MD5"):
		return md5Sum
	case d.isSHA256():
		return sha256Sum
	}
	return nil
}

// sum is the response that proves knowledge of ha1: RFC 7616 3.4.1. The algorithm must be known.
func (d *digest) sum(ha1, method string) string {
	h := d.sums()
	ha2 := h(method, d.uri)
	if d.qop == "" {
		return h(ha1, d.nonce, ha2)
	}
	return h(ha1, d.nonce, d.nc, d.cnonce, d.qop, ha2)
}

// count is nc, which says how many requests have used the nonce; ok is false for what is no count.
func (d *digest) count() (n uint32, ok bool) {
	v, err := strconv.ParseUint(d.nc, 16, 32)
	return uint32(v), err == nil && len(d.nc) == 8
}

// hashUser is H(A1), which stands for the password in every later sum: RFC 7616 3.4.2.
func hashUser(h summer, name, realm, password string) string { return h(name, realm, password) }

func md5Sum(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

func sha256Sum(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

// parseParams cuts a list of name=value at its commas and hands each to set, the name in lower case. A value is a token
// or a quoted string: RFC 7235 2.1.
func parseParams(s string, set func(name, value string) error) error {
	for {
		s = strings.TrimLeft(s, " \t,") // empty elements are allowed: RFC 7230 7
		if s == "" {
			return nil
		}
		name, rest, ok := strings.Cut(s, "=")
		name = strings.TrimRight(name, " \t")
		if !ok || !isToken(name) {
			return fmt.Errorf("parameter: %.32q, want name=value", s)
		}
		value, rest, err := cutValue(strings.TrimLeft(rest, " \t"))
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		if err := set(strings.ToLower(name), value); err != nil {
			return err
		}
		s = strings.TrimLeft(rest, " \t")
		if s != "" && s[0] != ',' {
			return fmt.Errorf("parameter %s: %.32q after its value, want a comma", name, s)
		}
	}
}

// cutValue takes one value, a token or a quoted string, off the front of s.
func cutValue(s string) (value, rest string, err error) {
	if s == "" || s[0] != '"' {
		i := strings.IndexAny(s, " \t,")
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", fmt.Errorf("%.32q: no closing quote", s)
}

// quote makes a quoted string.
func quote(s string) string { return `"` + quoter.Replace(s) + `"` }

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// isToken says whether s is a token of RFC 7230 3.2.6.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// computable says whether a challenge is one that we can answer, and settles on its qop.
func (d *digest) computable() bool {
	if d.nonce == "" || d.sums() == nil {
		return false
	}
	if d.qop == "" {
		return true
	}
	for q := range strings.SplitSeq(d.qop, ",") {
		if strings.EqualFold(strings.TrimSpace(q), "auth") {
			d.qop = "auth"
			return true
		}
	}
	return false
}
