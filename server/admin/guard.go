package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"pumpd/server/config"
)

// A guard keeps pages of other sites in an operator's browser away from the admin. Such a page can let a name of
// its own have our address, and then read what we answer (DNS rebinding): the Host field has that name. And it can ask
// for what it cannot read: browsers say so in Sec-Fetch-Site.
type guard struct {
	names map[string]bool // in lower case, without a dot at the end; does not change
}

// newGuard takes admin_hosts, localhost, and the name that the admin listens by, if that is one.
func newGuard(c *config.Server) guard {
	g := guard{names: map[string]bool{"localhost": true}}
	for _, name := range c.AdminHosts {
		g.names[hostName(name)] = true
	}
	if name, _, err := net.SplitHostPort(c.Admin); err == nil && name != "" {
		g.names[hostName(name)] = true
	}
	return g
}

// check is nil of a request that may be answered; else the status says what is wrong with it.
func (g guard) check(r *http.Request) (status int, err error) {
	if !g.knows(r) {
		return http.StatusMisdirectedRequest, fmt.Errorf(
			"host %.200q: want an IP address, localhost or one of admin_hosts in [server] of the configuration", r.Host)
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if strings.EqualFold(strings.TrimSpace(site), "cross-site") {
			return http.StatusForbidden, errCrossSite
		}
	}
	return 0, nil
}

var errCrossSite = errors.New("Sec-Fetch-Site: cross-site, want an address typed by hand or a page of this site")

// knows looks at the host that a request is for. Health checks in HTTP/1.0 have none; browsers always have one.
func (g guard) knows(r *http.Request) bool {
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil { // no port
		host = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return g.names[hostName(host)]
}

// hostName is how names are compared: pump.example. is Pump.Example.
func hostName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
