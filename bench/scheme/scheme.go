// Package scheme tells what the scheme of a URL means.
package scheme

import (
	"net"
	"net/url"
)

// A Scheme is what the scheme of a URL says.
type Scheme struct {
	MMSH bool // otherwise plain HTTP
	TLS  bool
}

// Players write mms:// for MMSH.
var schemes = map[string]Scheme{
	"mmsh": {MMSH: true}, "mms": {MMSH: true}, "mmshs": {MMSH: true, TLS: true}, "http": {}, "https": {TLS: true},
}

// Of is the scheme of a URL. ok is false for one that nobody here speaks.
func Of(u *url.URL) (s Scheme, ok bool) {
	s, ok = schemes[u.Scheme]
	return s, ok
}

// HostPort is where to dial for a URL: without a port 443 for TLS, 80 for everything else.
func HostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case schemes[u.Scheme].TLS:
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
