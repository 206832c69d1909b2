package proxied

import (
	"fmt"
	"net/netip"

	"pumpd/codec"
	"pumpd/server/auth"
)

// A Peer is who is at the far end of a connection, or has sent a request on it.
type Peer struct {
	At     netip.AddrPort // the client's address, or that of the last proxy on the way to it that is known
	Hidden bool           // it is a proxy's, which speaks for somebody and does not say for whom
}

// Trusted are the proxies that are believed, by their addresses. The zero value believes nobody.
type Trusted struct{ networks auth.Networks }

// ParseTrusted takes trusted_proxies of the configuration. Errors count entries from 1.
func ParseTrusted(entries []string) (t Trusted, err error) {
	for i, e := range entries {
		n, err := auth.ParseNetwork(e)
		if err != nil {
			return t, fmt.Errorf("trusted_proxies: entry %d: %w", i+1, err)
		}
		t.networks = append(t.networks, n)
	}
	return t, nil
}

// Has says whether a proxy at an address is believed.
func (t Trusted) Has(a netip.Addr) bool { return t.networks.Contains(a) }

// Introduced is who p, a trusted proxy, is when its PROXY header has named a client; not valid: it has named none.
func (p Peer) Introduced(client netip.AddrPort) Peer { return named(client, p.At) }

// named is who a proxy speaks for. What is a loopback address to a proxy on another machine is not ours: it means the
// machine of that proxy.
func named(client, by netip.AddrPort) Peer {
	if !client.IsValid() {
		return Peer{At: by, Hidden: true}
	}
	if client.Addr().IsLoopback() && !by.Addr().IsLoopback() {
		return Peer{At: by}
	}
	return Peer{At: client}
}

// Sender is who has sent a request that has come from p, by the fields that it has. They are not looked at unless p is
// a trusted proxy: who is hidden behind one may have written them. Where they contradict each other p hides somebody: a
// proxy sets one of them and passes on what clients say in the other.
func (t Trusted) Sender(p Peer, r *codec.Request) Peer {
	if p.Hidden || !t.Has(p.At.Addr()) {
		return p
	}
	a, b := trail{trusted: t}, trail{trusted: t}
	readForwardedFor(&r.ForwardedFor, a.add)
	readForwarded(&r.Forwarded, b.add)
	switch x, y := a.end(p), b.end(p); {
	case b.length == 0:
		return x
	case a.length == 0:
		return y
	case x.At.Addr() != y.At.Addr() || x.Hidden != y.Hidden:
		return Peer{At: p.At, Hidden: true}
	case x.At.Port() == 0:
		return y
	default:
		return x
	}
}

// A trail is the hops of a field. The client is the last one that is no trusted proxy: whatever stands before it may be
// made up. If all are trusted, it is the first.
type trail struct {
	trusted Trusted
	length  int
	client  hop
	by      hop // the one behind it, which has named it; not valid: it is the last
}

func (t *trail) add(h hop) {
	switch {
	case t.length == 0 || !h.IsValid() || !t.trusted.Has(h.Addr()):
		t.client, t.by = h, hop{}
	case !t.by.IsValid():
		t.by = h
	}
	t.length++
}

// end is who the trail begins with, whose end is p.
func (t *trail) end(p Peer) Peer {
	by := p.At
	if t.by.IsValid() {
		by = t.by
	}
	if t.length == 0 {
		return p
	}
	return named(t.client, by)
}
