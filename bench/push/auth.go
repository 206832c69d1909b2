package push

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// A challenge is one parsed WWW-Authenticate value.
type challenge struct {
	scheme string // lower case
	params map[string]string
}

// parseChallenge reads `Digest realm="a, b", nonce="…", qop="auth"`; names of parameters become lower case.
func parseChallenge(s string) challenge {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	c := challenge{scheme: strings.ToLower(scheme), params: map[string]string{}}
	for rest = strings.TrimLeft(rest, " ,"); rest != ""; rest = strings.TrimLeft(rest, " ,") {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		var value string
		if strings.HasPrefix(after, `"`) {
			value, rest, _ = strings.Cut(after[1:], `"`)
		} else {
			value, rest, _ = strings.Cut(after, ",")
		}
		c.params[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return c
}

// authorize answers the challenges of a 401, Digest before Basic, as encoders do. It returns an Authorization value.
func authorize(challenges []string, user, password, method, uri string) (string, error) {
	var basic bool
	for _, s := range challenges {
		c := parseChallenge(s)
		switch c.scheme {
		case "digest":
			return c.digest(user, password, method, uri, nonce())
		case "basic":
			basic = true
		}
	}
	if !basic {
		return "", fmt.Errorf("challenge %q: neither Digest nor Basic", challenges)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// digest computes the Digest answer of RFC 2617 with MD5, with or without qop=auth.
func (c challenge) digest(user, password, method, uri, cnonce string) (string, error) {
	p := c.params
	if a := p["algorithm"]; a != "" && !strings.EqualFold(a, "MD5") {
		return "", fmt.Errorf("digest algorithm %q: only MD5", a)
	}
	ha1 := md5hex(user + ":" + p["realm"] + ":" + password)
	ha2 := md5hex(method + ":" + uri)
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s"`, user, p["realm"], p["nonce"], uri)
	if strings.Contains(","+strings.ReplaceAll(p["qop"], " ", "")+",", ",auth,") {
		const count = "00000001"
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s", response="%s"`, count, cnonce,
			md5hex(strings.Join([]string{ha1, p["nonce"], count, cnonce, "auth", ha2}, ":")))
	} else {
		fmt.Fprintf(&b, `, response="%s"`, md5hex(ha1+":"+p["nonce"]+":"+ha2))
	}
	if p["opaque"] != "" {
		fmt.Fprintf(&b, `, opaque="%s"`, p["opaque"])
	}
	return b.String(), nil
}

func md5hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func nonce() string { return strings.ToLower(rand.Text()[:16]) }
