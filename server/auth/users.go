// Package auth is Basic and Digest, both sides: Users, Nonces and a Brake are what a server checks encoders with, a
// Login answers an upstream. Users and Networks never change; the others belong to who made them.
package auth

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"pumpd/codec"
)

// Users are those who may push or watch: their names, and what their passwords are checked against. Never changed after
// ParseUsers.
type Users map[string]known

// nobody is the name of what stands in for names that are not there: to refuse them takes as long. ParseUsers wants
// names, so nobody can show it.
const nobody = ""

const realm = "pumpd"

// ParseUsers takes a list of users of the configuration, entries "name:password" where the password may be a hash of
// bcrypt's. A password may contain colons. Errors count entries from 1 and never show one.
func ParseUsers(entries []Secret) (Users, error) {
	u := make(Users, len(entries))
	for i, e := range entries {
		name, password, ok := strings.Cut(string(e), ":")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf("entry %d: want \"name:password\"", i+1)
		}
		if strings.ContainsFunc(string(e), func(r rune) bool { return r < ' ' || r == 0x7F }) {
			return nil, fmt.Errorf("entry %d: has a control character", i+1)
		}
		if _, twice := u[name]; twice {
			return nil, fmt.Errorf("entry %d: name %q is there already", i+1, name)
		}
		k, err := know(name, password)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		u[name] = k
	}
	u.addNobody()
	return u, nil
}

// addNobody gives nobody a password that is as slow to check as the slowest of the others.
func (u Users) addNobody() {
	if len(u) == 0 {
		return
	}
	var none known
	for _, k := range u {
		if none.hash == nil || slower(k.hash, none.hash) {
			none.hash = k.hash
		}
	}
	none.md5, none.sha256 = hashUser(md5Sum, nobody, realm, ""), hashUser(sha256Sum, nobody, realm, "")
	u[nobody] = none
}

// anyHash says whether one of them has a hash of bcrypt's.
func (u Users) anyHash() bool { return u[nobody].hash != nil }

// Challenge returns the values of the WWW-Authenticate fields of a 401, best first: Digest, which does not show the
// password, then Basic; but a scheme that the encoder lists in X-Accept-Authentication (accept) before one that it does
// not (push.md §6). Who lists schemes there is Microsoft's and knows no Digest but MD5's; others are offered that of
// SHA-256 first. Digest cannot be checked against a hash of bcrypt's: where one of the users has such, it is Basic
// alone. Each 401 has a fresh nonce, which is for that address. stale says that the password was right and the nonce
// was not, so that a program need not ask its user.
func (u Users) Challenge(accept []byte, from netip.Addr, stale bool, now time.Time) []string {
	if u.anyHash() {
		return []string{BasicChallenge}
	}
	listed := func(scheme string) bool {
		return slices.ContainsFunc(strings.Split(string(accept), ","), func(s string) bool {
			return strings.EqualFold(strings.TrimSpace(s), scheme)
		})
	}
	// No algorithm and no opaque: this is the form that Windows Media Encoder was seen to answer.
	digest := fmt.Sprintf(`Digest realm="%s", nonce="%s", qop="auth"`, realm, newNonce(from, now))
	if stale {
		digest += ", stale=true"
	}
	switch {
	case len(accept) == 0:
		// The same nonce in both: there are programs that mix up the parameters of two challenges. That of SHA-256 goes
		// first, since FFmpeg takes the last Digest, and gives up on that if it does not know the algorithm.
		return []string{digest + ", algorithm=" + sha256Name, digest, BasicChallenge}
	case listed("Basic") && !listed("Digest"):
		return []string{BasicChallenge, digest}
	}
	return []string{digest, BasicChallenge}
}

// A Proof is a request with the credentials that are to show who it is from.
type Proof struct {
	Method, Path  []byte // of the request: Digest proves them as well
	Authorization []byte // the value of the field
	From          netip.Addr
}

// A Verdict is what came of a proof.
type Verdict uint8

const (
	Unknown Verdict = iota // a Verifier has to say
	Wrong                  // a guess, or not understood
	Stale                  // right, but its nonce is too old, another address', or was used like this before
	Right
)

// Check says whose credentials a proof has, and what they are worth; without a name they are Wrong or Stale. spend is
// Nonces.Spend, under the lock of who has the Nonces. Whatever is wrong with the credentials, the answer is the same,
// and is found in the same time.
func (u Users) Check(q Proof, spend func(nonce string, count uint32, now time.Time) bool,
	now time.Time) (string, Verdict) {
	a, err := parseAuthorization(string(q.Authorization))
	if err != nil {
		return "", Wrong
	}
	known, ok := u[a.name()]
	if !ok {
		known = u[nobody]
	}
	right := a.proves(known, q) && ok
	switch {
	case a.basic && !right && u.anyHash():
		return a.name(), Unknown
	case !right:
		return "", Wrong
	case !a.basic && !a.digest.fresh(q.From, spend, now):
		return "", Stale
	}
	return a.name(), Right
}

// fresh says whether this is the first time that the address uses its nonce like this. Without qop there is no count:
// then a request looks the same each time that the encoder makes it, and is good as long as its nonce.
func (d *digest) fresh(from netip.Addr, spend func(string, uint32, time.Time) bool, now time.Time) bool {
	if !validNonce(d.nonce, from, now) {
		return false
	}
	count, _ := d.count()
	return d.qop == "" || spend(d.nonce, count, now)
}

// An authorization is a parsed Authorization field of one of the two schemes.
type authorization struct {
	basic          bool
	user, password string // Basic: RFC 7617
	digest         digest // Digest
}

var errScheme = errors.New("authorization: want Basic or Digest")

// parseAuthorization reads the value of an Authorization field. What it returns is well-formed, not proved.
func parseAuthorization(s string) (a authorization, err error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		a.basic = true
		a.user, a.password, err = parseBasic(strings.TrimSpace(rest))
	case strings.EqualFold(scheme, "Digest"):
		a.digest, err = parseDigest(rest)
		if err == nil {
			err = a.digest.wellFormed()
		}
	default:
		err = errScheme
	}
	return a, err
}

// BasicChallenge is the value of the WWW-Authenticate field where a password has to be seen to be checked.
const BasicChallenge = `Basic realm="` + realm + `"`

// ParseBasic gives what the value of an Authorization field says, if it is Basic; ok is false for anything else.
func ParseBasic(field []byte) (user, password string, ok bool) {
	a, err := parseAuthorization(string(field))
	return a.user, a.password, err == nil && a.basic
}

func parseBasic(s string) (user, password string, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", "", fmt.Errorf("basic: %w", err)
	}
	user, password, ok := strings.Cut(string(b), ":")
	if !ok || user == "" {
		return "", "", errors.New("basic: want name:password")
	}
	return user, password, nil
}

// wellFormed checks what a client sends. opaque is not insisted on: Windows Media Encoder leaves it out.
func (d *digest) wellFormed() error {
	switch {
	case d.username == "" || d.nonce == "" || d.uri == "":
		return fmt.Errorf("%w: username, nonce and uri are needed", errDigest)
	case d.sums() == nil:
		return fmt.Errorf("%w: algorithm %.32q, want MD5 or SHA-256", errDigest, d.algorithm)
	case len(d.response) != len(d.sums()("")):
		return fmt.Errorf("%w: response of %d digits, want %d", errDigest, len(d.response), len(d.sums()("")))
	case d.qop != "" && d.qop != "auth":
		return fmt.Errorf("%w: qop %.32q, want auth", errDigest, d.qop)
	case d.qop != "" && d.cnonce == "":
		return fmt.Errorf("%w: qop without cnonce", errDigest)
	}
	if _, ok := d.count(); d.qop != "" && !ok {
		return fmt.Errorf("%w: nc %.32q, want 8 hex digits", errDigest, d.nc)
	}
	return nil
}

func (a *authorization) name() string {
	if a.basic {
		return a.user
	}
	return a.digest.username
}

// proves says whether the credentials belong to the user who is known and, for Digest, to this very request. A hash of
// bcrypt's proves nothing here.
func (a *authorization) proves(user known, q Proof) bool {
	if a.basic {
		return Same(hashUser(sha256Sum, a.user, realm, a.password), user.sha256)
	}
	d := &a.digest
	same := Same(d.sum(user.of(d), string(q.Method)), strings.ToLower(d.response))
	return same && user.hash == nil && d.realm == realm && samePath(d.uri, q.Path)
}

// Same compares in a time that does not tell where two strings differ.
func Same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// samePath says whether a request target names a path. Proxies and encoders rewrite the form of a target
// ("http://host/x", "//x", "/x"), so RFC 7616 3.4.6 wants them compared by meaning: that is the way the request's own
// target was read.
func samePath(target string, path []byte) bool {
	p := codec.PathOf([]byte(target))
	return p != nil && bytes.Equal(p, path)
}

// BasicField is the value of an Authorization or Proxy-Authorization field: RFC 7617.
func BasicField(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
