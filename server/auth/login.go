package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// A Login answers the challenges of one upstream with the credentials of its URL. It shows them to nobody who does not
// ask.
type Login struct {
	User, Password string // of the URL; without a User there are none

	scheme string // "", Basic or Digest: how the upstream wants them
	digest digest // its challenge, if that is Digest
	count  int    // requests that used the challenge's nonce
	cnonce string
}

// Why Learn says that asking again is no use; other errors name the challenge that nobody here can answer.
var (
	ErrNoLogin    = errors.New("upstream wants credentials, the URL has none")
	ErrWrongLogin = errors.New("upstream refuses the credentials of the URL")
)

// Learn takes the challenges of a 401. An error means that asking again is no use. Digest goes before Basic.
func (g *Login) Learn(challenges string) error {
	if g.User == "" {
		return ErrNoLogin
	}
	basic := false
	for _, c := range splitChallenges(challenges) {
		scheme, rest, _ := strings.Cut(c, " ")
		if strings.EqualFold(scheme, "Digest") {
			if d, err := parseDigest(rest); err == nil && d.computable() {
				return g.useDigest(d)
			}
		}
		basic = basic || strings.EqualFold(scheme, "Basic")
	}
	if !basic {
		return fmt.Errorf("upstream wants credentials by %.200q, we have Digest (MD5, SHA-256) and Basic", challenges)
	}
	if g.scheme != "" {
		return ErrWrongLogin
	}
	g.scheme = "Basic"
	return nil
}

// useDigest takes a challenge, a second one only if it says that the nonce has become too old, not the password wrong.
func (g *Login) useDigest(d digest) error {
	if g.scheme != "" && (g.count < 2 || !strings.EqualFold(d.stale, "true")) {
		return ErrWrongLogin
	}
	g.scheme, g.digest, g.count, g.cnonce = "Digest", d, 0, rand.Text()
	return nil
}

// Field is the Authorization of the next request, for its method and target, "" as long as nobody asked.
func (g *Login) Field(method, uri string) string {
	switch g.scheme {
	case "Basic":
		return BasicField(g.User, g.Password)
	case "Digest":
		return g.digestField(method, uri)
	}
	return ""
}

func (g *Login) digestField(method, uri string) string {
	d := g.digest // its algorithm is one of two words, see computable
	d.uri = uri
	g.count++
	if d.qop != "" {
		d.nc, d.cnonce = fmt.Sprintf("%08x", g.count), g.cnonce
	}
	response := d.sum(hashUser(d.sums(), g.User, d.realm, g.Password), method)
	s := fmt.Sprintf(`Digest username=%s, realm=%s, nonce=%s, uri="%s", response="%s"`,
		quote(g.User), quote(d.realm), quote(d.nonce), uri, response)
	if d.qop != "" {
		s += fmt.Sprintf(`, qop=%s, nc=%s, cnonce="%s"`, d.qop, d.nc, d.cnonce)
	}
	if d.opaque != "" {
		s += ", opaque=" + quote(d.opaque)
	}
	if d.algorithm != "" {
		s += ", algorithm=" + d.algorithm
	}
	return s
}

// splitChallenges separates the challenges of a field. Their parameters are separated by commas, too; a new challenge
// is where a scheme stands: a word, alone or before a name.
//
//	Digest realm="a, b", nonce="c", Basic realm="d"
func splitChallenges(field string) (list []string) {
	for _, part := range splitCommas(field) {
		name, _, assigned := strings.Cut(part, "=")
		scheme := !assigned || strings.ContainsAny(strings.TrimRight(name, " \t"), " \t")
		if scheme || len(list) == 0 {
			list = append(list, part)
		} else {
			list[len(list)-1] += ", " + part
		}
	}
	return list
}

// splitCommas cuts at commas outside quoted strings and drops empty parts.
func splitCommas(s string) (parts []string) {
	start, quoted := 0, false
	add := func(end int) {
		if p := strings.TrimSpace(s[start:end]); p != "" {
			parts = append(parts, p)
		}
		start = end + 1
	}
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			add(i)
		}
	}
	add(len(s))
	return parts
}
