package upstream

import (
	"fmt"
	"net"
	"net/netip"
)

// A scope is how far an address reaches. What is near trusts us more than what is far: services without a password
// listen on loopback, and clouds hand out credentials on a link-local address.
type scope uint8

const (
	scopeHost   scope = iota // this machine, and what is no address of a host at all
	scopeLink                // link-local
	scopeSite                // private, and behind a carrier's NAT
	scopePublic              // everything else
)

func (s scope) String() string { return [...]string{"loopback", "link-local", "private", "public"}[s] }

// siteNets are addresses that are not routed on the Internet, besides those that netip knows.
var siteNets = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), // RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),  // RFC 6890
	netip.MustParsePrefix("fec0::/10"),     // RFC 3879
}

// hostNets lead to this machine or to nobody.
var hostNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), // Linux connects 0.0.0.0 to itself
	netip.MustParsePrefix("240.0.0.0/4"),
}

// embedding are IPv6 prefixes with an IPv4 address behind them, and the byte at which that begins.
var embedding = []struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64: RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // RFC 8215
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4: RFC 3056
	{netip.MustParsePrefix("::/96"), 12},          // RFC 4291 2.5.5.1, with :: and ::1
}

func scopeOf(a netip.Addr) scope {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid(), a.IsLoopback(), a.IsUnspecified(), a.IsMulticast(), within(hostNets, a):
		return scopeHost
	case a.IsLinkLocalUnicast():
		return scopeLink
	case a.IsPrivate(), within(siteNets, a):
		return scopeSite
	}
	for _, e := range embedding {
		if b := a.As16(); a.Is6() && e.net.Contains(a) {
			return scopeOf(netip.AddrFrom4([4]byte(b[e.at:])))
		}
	}
	return scopePublic
}

func within(nets []netip.Prefix, a netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// isLocal says whether an address is not the Internet's.
func isLocal(a netip.Addr) bool { return scopeOf(a) != scopePublic }

// remoteScope is that of the other end of a connection.
func remoteScope(c net.Conn) scope {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return scopePublic // trusted least
	}
	return scopeOf(at.Addr())
}

// admits refuses an address that is nearer than s: to there nobody that far away may send us.
func (s scope) admits(a netip.Addr) error {
	if is := scopeOf(a); is < s {
		return fmt.Errorf("from a %v address to %v, a %v one: %w", s, a, is, errFollow)
	}
	return nil
}
