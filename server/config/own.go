package config

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// HostPort is where a URL points to, in lower case and always with a port.
func HostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https" || u.Scheme == "mmshs":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Local is where an address to listen on is reached from this machine.
func Local(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// listenerAt is the address of listen or tls.listen to which a URL leads, "" for none, as far as can be told without
// asking DNS.
func (c *Config) listenerAt(u *url.URL) string {
	host, port, _ := net.SplitHostPort(HostPort(u))
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().WithZone("").String()
	}
	for _, listen := range slices.Concat(c.Server.Listen, c.TLS.Listen) {
		if on, at, err := net.SplitHostPort(listen); err == nil && at == port && c.hears(on, host) {
			return listen
		}
	}
	return ""
}

// hears says whether what listens on an address is found at a host, a name or an address.
func (c *Config) hears(on, host string) bool {
	to, noAddress := netip.ParseAddr(host)
	switch a, err := netip.ParseAddr(on); {
	case strings.EqualFold(on, host):
		return true
	case err == nil && a.IsLoopback():
		return host == "localhost"
	case on == "", err == nil && a.IsUnspecified():
		return c.isThisMachine(host, to) && (noAddress != nil || to.IsUnspecified() || covers(on, host))
	}
	return false
}

// isThisMachine knows the machine's names and addresses, and the names that its admin may be asked by. a is host, or
// not valid if that is a name.
func (c *Config) isThisMachine(host string, a netip.Addr) bool {
	names := append(slices.Clone(c.Server.AdminHosts), "localhost")
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	if !a.IsValid() {
		return false
	}
	ours, _ := net.InterfaceAddrs() // none where they cannot be had
	return a.IsLoopback() || a.IsUnspecified() || slices.ContainsFunc(ours, func(of net.Addr) bool {
		p, err := netip.ParsePrefix(of.String())
		return err == nil && p.Addr() == a
	})
}
