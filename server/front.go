package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/proxied"
)

// Whom a connection counts as, where a proxy that the operator trusts is in front: the one that it speaks for. A PROXY
// header says that once, before TLS and all requests; fields of a request say it of that request, for a proxy may send
// those of several clients on one connection.
//
//	trusted_proxies has its address ─▶ PROXY header? ─▶ still one of them? ─▶ fields of each request

// A front is what is known of the far side of a trusted proxy.
type front struct {
	base    proxied.Peer // from the connection and its PROXY header
	sender  proxied.Peer // of the request that was parsed last
	awaited bool         // nothing has come: it may begin with a PROXY header
}

// frontOf is nil unless p is at a trusted proxy's address.
func frontOf(trusted proxied.Trusted, p proxied.Peer, awaited bool) *front {
	if !trusted.Has(p.At.Addr()) {
		return nil
	}
	return &front{base: p, sender: p, awaited: awaited}
}

// introduce looks for a PROXY header in c's input, b, and takes it out. It is false when nothing more can be done until
// something comes.
func (l *loop) introduce(c *conn, f *front, b []byte, now clock.Instant) bool {
	client, n, err := proxied.ParseHeader(b)
	switch {
	case errors.Is(err, codec.ErrShort):
		return false
	case errors.Is(err, proxied.ErrNone):
		f.awaited = false
		return true
	case err != nil:
		l.refuseUnread(c, 400, err.Error())
		return false
	}
	c.wire.discard(n)
	p := f.base.Introduced(client)
	c.remote = p.At
	if l.fronts[c] = frontOf(l.limits.proxies, p, false); l.fronts[c] == nil {
		delete(l.fronts, c)
	}
	c.guest = l.gate.named(c.guest, c.remote.Addr(), now, func() { l.evict(c) })
	return true
}

// attribute finds out who has sent a request.
func (c *conn) attribute(r *codec.Request) {
	if f := c.loop.fronts[c]; f != nil {
		f.sender = c.loop.limits.proxies.Sender(f.base, r)
		c.remote = f.sender.At
	}
}

// listed is c's address for lists of who may do something. Whom a proxy does not name is on no list but that of all
// addresses.
func (c *conn) listed() netip.Addr {
	if f := c.loop.fronts[c]; f != nil && f.sender.Hidden {
		return netip.IPv4Unspecified()
	}
	return c.remote.Addr()
}

// local says whether c comes from this machine. A trusted proxy on this machine does not: nobody knows whom it speaks
// for, if it does not say so.
func (c *conn) local() bool {
	a := c.listed()
	return a.IsLoopback() && (c.loop.fronts[c] == nil || !c.loop.limits.proxies.Has(a))
}

// name is what tells c from other connections: proxies that write fields seldom say the client's port.
func (c *conn) name() string {
	if f := c.loop.fronts[c]; f != nil && c.remote.Port() == 0 {
		return fmt.Sprintf("%s by %s", c.remote, f.base.At)
	}
	return c.remote.String()
}

// addressOf is a TCP address, an IPv4 one also where the socket is an IPv6 one.
func addressOf(a net.Addr) netip.AddrPort {
	at := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
