package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Which encoders may push to a stream, as far as that is not a matter of passwords: by their address, and by having
// been there before others. A stream on the Internet that takes any push is a free one for strangers.

// networks are those that push_from lists. Never changed after newNetworks.
type networks []netip.Prefix

func newNetworks(entries []string) (networks, error) {
	list := make(networks, len(entries))
	for i, e := range entries {
		n, err := parseNetwork(e)
		if err != nil {
			return nil, fmt.Errorf("push_from: entry %d: %w", i+1, err)
		}
		list[i] = n
	}
	return list, nil
}

// parseNetwork reads an address or a network. IPv4 written as IPv6 is IPv4, as the addresses of connections are.
func parseNetwork(s string) (netip.Prefix, error) {
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

func (list networks) contains(a netip.Addr) bool {
	a = a.WithZone("")
	return slices.ContainsFunc(list, func(n netip.Prefix) bool { return n.Contains(a) })
}

// admits says whether encoders at an address may push at all. Where nothing is configured that is this machine: to be
// tried at once, and closed to the Internet.
func (a *pushAccess) admits(st *stream, from netip.Addr) bool {
	switch {
	case len(a.from[st.id]) > 0:
		return a.from[st.id].contains(from)
	case len(a.users[st.id]) > 0:
		return true
	}
	return from.IsLoopback()
}

// A pusher is an encoder as one that comes for its stream is compared with it.
type pusher struct {
	from netip.Addr
	id   string // push-id, which it keeps when its address changes
}

// is says whether it is the one that comes. All loopback addresses are this machine's.
func (p pusher) is(from netip.Addr, id string) bool {
	return p.from == from || p.id == id || p.from.IsLoopback() && from.IsLoopback()
}

// keepPlace lets an encoder that lost its link go before others until the grace is over. An encoder whose stream has
// ended needs no place, and one that has brought no packet gets none. For whoever holds the registry's mutex.
func (st *stream) keepPlace(since instant, orphan bool) {
	switch o := st.owner; {
	case o == nil || o.kind != sourcePush || !o.wrote:
	case orphan:
		st.absent, st.until = o.pusher, since.add(st.reg.grace)
	default:
		st.absent, st.until = pusher{}, 0
	}
}

// foremost is the encoder that goes before others: the one that feeds the stream, or else the one whose place is kept.
func (st *stream) foremost(now instant) (p pusher, ok bool) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if s := st.owner; s != nil && s.kind == sourcePush {
		return s.pusher, true
	}
	return st.absent, now.before(st.until)
}
