package upstream

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// An Address is where to pull from: a URL of the configuration, or what one of those redirected us to. It does not
// change.
type Address struct {
	secure         bool   // TLS
	addr           string // host:port to dial
	name           string // host without port, as certificates have it
	host           string // value of the Host field
	target         string // origin-form: path and query
	user, password string
	service        string // _mmsh._tcp.example.org: addr and host are looked up each time; "" is none
}

// schemes says which schemes are TLS. What Windows Media calls mms:// is MMSH on the port of HTTP; MMS over TCP
// is not spoken.
var schemes = map[string]bool{"http": false, "mmsh": false, "mms": false, "https": true, "mmshs": true}

// Parse reads a URL of the configuration, of a host or of a service. Its errors show no secrets.
func Parse(raw string) (*Address, error) {
	if name, ok := strings.CutPrefix(raw, ServicePrefix); ok {
		return parseService(name)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("upstream %q: not a URL", Redacted(raw)) // what url says quotes the password
	}
	return fromURL(u)
}

func fromURL(u *url.URL) (*Address, error) {
	secure, known := schemes[strings.ToLower(u.Scheme)]
	switch {
	case !known:
		return nil, fmt.Errorf("upstream %q: scheme %q, want http, mmsh, mms, https or mmshs", Redacted(u.String()), u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("upstream %q: no host", Redacted(u.String()))
	case strings.ContainsFunc(u.Hostname(), unprintable):
		return nil, fmt.Errorf("upstream %q: host %.80q, want ASCII", Redacted(u.String()), u.Hostname())
	case strings.ContainsFunc(u.RawQuery, unprintable):
		return nil, fmt.Errorf("upstream %q: query is not escaped", Redacted(u.String()))
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	up := &Address{secure: secure, addr: net.JoinHostPort(u.Hostname(), port), target: targetOf(u)}
	up.name, _, _ = strings.Cut(u.Hostname(), "%") // an IPv6 zone means nothing to the other side
	up.host = net.JoinHostPort(up.name, port)
	up.user = u.User.Username()
	up.password, _ = u.User.Password()
	return up, nil
}

// unprintable is true of what stands in no request: blanks, controls, and all beyond ASCII.
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// targetOf is the origin-form of a URL.
func targetOf(u *url.URL) string {
	target := u.EscapedPath()
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	if u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	return target
}

// String is a URL without credentials, nor a query, which may hold a token.
func (u *Address) String() string {
	if u.service != "" {
		return Redacted(ServicePrefix + u.service + u.target)
	}
	return Redacted(u.absolute())
}

// SpeaksTLS says whether a connection to it is a TLS one.
func (u *Address) SpeaksTLS() bool { return u.secure }

// absolute is the form of the target that a proxy wants.
func (u *Address) absolute() string {
	if u.secure {
		return "https://" + u.host + u.target
	}
	return "http://" + u.host + u.target
}

// escapedOdd escapes what has no place in a URL. People write blanks and letters of their own into playlists.
func escapedOdd(raw string) string {
	var b strings.Builder
	for _, c := range []byte(raw) {
		if c <= ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// redirect finds what a Location field means, or an entry of a playlist. Credentials stay on the host that they were
// given for.
func (u *Address) redirect(location string) (*Address, error) {
	base, err := url.Parse(u.absolute())
	if err != nil {
		return nil, err
	}
	to, err := base.Parse(escapedOdd(strings.TrimSpace(location)))
	if err != nil {
		return nil, fmt.Errorf("redirect to %.200q: not a URL", Redacted(location))
	}
	next, err := fromURL(to)
	if err != nil {
		return nil, err
	}
	if next.user == "" && next.addr == u.addr && next.secure == u.secure {
		next.user, next.password = u.user, u.password
	}
	return next, nil
}
