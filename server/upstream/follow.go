package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// A FollowRule says where an upstream may send a pull: follow_redirects. Without a limit, whoever runs an upstream, or
// is in the way to it, could make us ask what only we can reach: our own admin listener, a cloud's metadata. The rules:
//
//	same-host  another port or path of the same host
//	public     any host, but no address that is nearer than the one that sends us there: scope
//	any        anywhere
//
// Except for any, nobody leads from TLS to plain text, and what counts are the addresses that are really dialled: names
// can be looked up with another result each time. Through a proxy we cannot see them; there a name may only be sent to
// if all addresses that we find for it may, and one that only the proxy can look up is the proxy's to guard.
//
// Credentials stay where they were given for: see redirect.
type FollowRule string

const (
	FollowSameHost FollowRule = "same-host"
	FollowPublic   FollowRule = "public"
	FollowAny      FollowRule = "any"
)

var errFollow = errors.New("follow_redirects does not allow it")

// check compares two upstreams, one of which leads to the other; addresses are the dialer's to check.
func (f FollowRule) check(from, to *Address) error {
	switch {
	case f == FollowAny:
		return nil
	case from.secure && !to.secure:
		return fmt.Errorf("from TLS to plain text at %v: %w", to, errFollow)
	case f == FollowSameHost && !from.sameHost(to):
		return fmt.Errorf("from %v to another host, %v: %w", from, to, errFollow)
	}
	return nil
}

// sameHost compares hosts without their ports.
func (u *Address) sameHost(v *Address) bool {
	a, _, _ := net.SplitHostPort(u.addr)
	b, _, _ := net.SplitHostPort(v.addr)
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// connectAllowed dials as net.Dialer does, IPv6 and IPv4 side by side (RFC 8305), but no address that allow refuses.
func connectAllowed(ctx context.Context, addr string, allow func(netip.Addr) error) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTime, ControlContext: func(_ context.Context, _, addr string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(addr)
		if err != nil {
			return err
		}
		return allow(at.Addr())
	}}
	return d.DialContext(ctx, "tcp", addr)
}
