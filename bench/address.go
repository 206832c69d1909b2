package main

import (
	"net"
	"net/url"
)

// hostPort is where to dial for a URL.
func hostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case siteSchemes[u.Scheme].secure:
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
