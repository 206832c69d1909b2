package server

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// An upstream is where to pull from: a URL of the configuration, or what one of those redirected us to. It does not
// change.
type upstream struct {
	secure         bool   // TLS
	addr           string // host:port to dial
	name           string // host without port, as certificates have it
	host           string // value of the Host field
	target         string // origin-form: path and query
	user, password string
	service        string // _mmsh._tcp.example.org: addr and host are looked up each time; "" is none
}

// upstreamSchemes says which schemes are TLS. What Windows Media calls mms:// is MMSH on the port of HTTP; MMS over TCP
// is not spoken.
var upstreamSchemes = map[string]bool{"http": false, "mmsh": false, "mms": false, "https": true, "mmshs": true}

// parseUpstream reads a URL of the configuration, of a host or of a service. Its errors show no secrets.
func parseUpstream(raw string) (*upstream, error) {
	if name, ok := strings.CutPrefix(raw, srvPrefix); ok {
		return parseService(name)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("upstream %q: not a URL", redacted(raw)) // what url says quotes the password
	}
	return newUpstream(u)
}

func newUpstream(u *url.URL) (*upstream, error) {
	secure, known := upstreamSchemes[strings.ToLower(u.Scheme)]
	switch {
	case !known:
		return nil, fmt.Errorf("upstream %q: scheme %q, want http, mmsh, mms, https or mmshs", redacted(u.String()), u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("upstream %q: no host", redacted(u.String()))
	case strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fmt.Errorf("upstream %q: query is not escaped", redacted(u.String()))
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	up := &upstream{secure: secure, addr: net.JoinHostPort(u.Hostname(), port), target: targetOf(u)}
	up.name, _, _ = strings.Cut(u.Hostname(), "%") // an IPv6 zone means nothing to the other side
	up.host = net.JoinHostPort(up.name, port)
	up.user = u.User.Username()
	up.password, _ = u.User.Password()
	return up, nil
}

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
func (u *upstream) String() string {
	if u.service != "" {
		return redacted(srvPrefix + u.service + u.target)
	}
	return redacted(u.absolute())
}

// speaksTLS says whether a connection to it is a TLS one.
func (u *upstream) speaksTLS() bool { return u.secure }

// absolute is the form of the target that a proxy wants.
func (u *upstream) absolute() string {
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
func (u *upstream) redirect(location string) (*upstream, error) {
	base, err := url.Parse(u.absolute())
	if err != nil {
		return nil, err
	}
	to, err := base.Parse(escapedOdd(strings.TrimSpace(location)))
	if err != nil {
		return nil, fmt.Errorf("redirect to %.200q: not a URL", redacted(location))
	}
	next, err := newUpstream(to)
	if err != nil {
		return nil, err
	}
	if next.user == "" && next.addr == u.addr && next.secure == u.secure {
		next.user, next.password = u.user, u.password
	}
	return next, nil
}
