package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pumpd/server/upstream"
)

// address wants host:port to listen on. The host may be an IPv4 or IPv6 address, a name, or nothing for all.
func (f *document) address(key, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !upstream.IsHost(host) {
		f.wrong(key, `%.80q, want host:port such as ":8086", "127.0.0.1:8086" or "[::1]:8086"`, addr)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		f.wrong(key, "%.80q, want a port from 0 to 65535", addr)
	}
}

// overlap says whether two addresses cannot be listened on at once, since one of them is all of the machine's.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && (covers(hostA, hostB) || covers(hostB, hostA))
}

// covers says whether all is a word for addresses that one is among. Nothing means IPv6 and IPv4, and so does ::.
func covers(all, one string) bool {
	if all == "0.0.0.0" {
		a, err := netip.ParseAddr(one)
		return err == nil && a.Is4()
	}
	a, err := netip.ParseAddr(all)
	return all == "" || err == nil && a.IsUnspecified()
}

// unprintable is true of what stands in no URL: blanks, controls, and all beyond ASCII.
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// url wants an absolute URL of one of the schemes, with a host; it returns nil for anything else. Complaints show it
// without credentials, and never what net/url says, which quotes them.
func (f *document) url(key, raw string, schemes ...string) *url.URL {
	u, err := url.Parse(raw)
	switch {
	case err != nil || strings.ContainsFunc(raw, unprintable):
		f.wrong(key, "%.200q, want a URL such as %q", upstream.Redacted(raw), schemes[0]+"://host:port/path")
	case !slices.Contains(schemes, u.Scheme):
		f.wrong(key, "%.200q, want a URL that begins with %s://", upstream.Redacted(raw), strings.Join(schemes, "://, "))
	case !isURLHost(u):
		f.wrong(key, "%.200q, want a host and a port from 1 to 65535 after %s://", upstream.Redacted(raw), u.Scheme)
	default:
		return u
	}
	return nil
}

// isURLHost wants a host that can be dialled, with any valid port or none.
func isURLHost(u *url.URL) bool {
	if u.Hostname() == "" || !upstream.IsHost(u.Hostname()) {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}
