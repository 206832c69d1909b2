package main

import (
	"net"
	"net/url"
)

// A scheme is what the scheme of a URL says.
type scheme struct {
	mmsh bool // otherwise plain HTTP
	tls  bool
}

// Players write mms:// for MMSH.
var schemes = map[string]scheme{
	"mmsh": {mmsh: true}, "mms": {mmsh: true}, "mmshs": {mmsh: true, tls: true}, "http": {}, "https": {tls: true},
}

// schemeOf is the scheme of a URL. ok is false for one that nobody here speaks.
func schemeOf(u *url.URL) (s scheme, ok bool) {
	s, ok = schemes[u.Scheme]
	return s, ok
}

// hostPort is where to dial for a URL: without a port 443 for TLS, 80 for everything else.
func hostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case schemes[u.Scheme].tls:
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
