package auth

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// NetworkOf is what one household, or one guest of a data centre, has for addresses: IPv6 comes in /64s.
func NetworkOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a.WithZone(""), bits).Masked()
}

// Networks are those that push_from or view_from lists. Never changed after ParseNetworks.
type Networks []netip.Prefix

// ParseNetworks takes such a list of the configuration. Errors count entries from 1.
func ParseNetworks(entries []string) (Networks, error) {
	list := make(Networks, len(entries))
	for i, e := range entries {
		n, err := ParseNetwork(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		list[i] = n
	}
	return list, nil
}

// ParseNetwork reads an address or a network. IPv4 written as IPv6 is IPv4, as the addresses of connections are.
func ParseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		a = a.Unmap()
		if err == nil && a.Zone() != "" {
			err = fmt.Errorf("address %.80q: a zone is nothing to compare", s)
		}
		return netip.PrefixFrom(a, a.BitLen()), err
	}
	n, err := netip.ParsePrefix(s)
	if bits := n.Bits() - 96; n.Addr().Is4In6() && bits >= 0 {
		n = netip.PrefixFrom(n.Addr().Unmap(), bits)
	}
	return n.Masked(), err
}

// Contains says whether an address is in one of the networks; its zone does not matter.
func (list Networks) Contains(a netip.Addr) bool {
	a = a.WithZone("")
	return slices.ContainsFunc(list, func(n netip.Prefix) bool { return n.Contains(a) })
}
