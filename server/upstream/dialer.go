package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Dialer connects to upstreams, directly or through an HTTP proxy. Never changed once it dials; any
// goroutine may dial.
type Dialer struct {
	// How the network is reached; tests have one of their own. Connect dials host:port, but no address that allow
	// refuses. LookupIP and LookupSRV are a net.Resolver's.
	Connect   func(ctx context.Context, addr string, allow func(netip.Addr) error) (net.Conn, error)
	LookupIP  func(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV LookupSRV

	timeout  time.Duration // of connect; what follows may take as long again
	proxy    *proxy        // nil: none
	forLocal bool          // local addresses go through the proxy as well
	tls      *tls.Config
}

const dialTime = 5 * time.Second

// DialerOptions are what the configuration says of it. Zero: no proxy, and the certificates that the system trusts.
type DialerOptions struct {
	Proxy        string   // its URL; "": none
	ForLocal     bool     // the proxy is for local addresses too
	CAFile       string   // of certificates in PEM form; "": the system's
	Fingerprints []string // of the only certificates that are right, in hex; none: any that is signed

	ClientCert, ClientKey string // files of what an upstream that asks for a certificate is shown; "": nothing
}

// NewDialer makes the dialer of a stream. Errors say what is wrong with an option.
func NewDialer(o DialerOptions) (*Dialer, error) {
	trust, err := trustOf(o.CAFile, o.Fingerprints)
	if err != nil {
		return nil, err
	}
	if o.ClientCert != "" {
		trust.GetClientCertificate = o.clientCertificate
	}
	d := &Dialer{
		Connect:   connectAllowed,
		timeout:   dialTime,
		forLocal:  o.ForLocal,
		tls:       trust,
		LookupIP:  net.DefaultResolver.LookupNetIP,
		LookupSRV: net.DefaultResolver.LookupSRV,
	}
	if o.Proxy != "" {
		at, err := Parse(o.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		d.proxy = proxyAt(at)
	}
	return d, nil
}

// A link is an open connection to an upstream.
type link struct {
	net.Conn
	wire    *wire  // what is below TLS; nil: nothing is
	proxy   *proxy // not nil: requests go to this proxy and need the absolute form
	proxied bool   // the other end is a proxy
}

// dial connects, as far as to where a request can be sent, but to no address nearer than least.
func (d *Dialer) dial(ctx context.Context, to *Address, least scope) (*link, error) {
	l, err := d.dialOnce(ctx, to, least)
	if asked := (*proxyAsksError)(nil); errors.As(err, &asked) {
		if err := d.proxy.learn(asked.challenge); err != nil {
			return nil, err
		}
		l, err = d.dialOnce(ctx, to, least)
	}
	return l, err
}

func (d *Dialer) dialOnce(ctx context.Context, to *Address, least scope) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*d.timeout)
	defer cancel()
	proxied := d.proxied(ctx, to)
	addr := to.addr
	if proxied {
		if err := d.vouch(ctx, to, least); err != nil {
			return nil, err
		}
		addr, least = d.proxy.at.addr, scopeHost
	}
	conn, err := d.Connect(ctx, addr, least.admits)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: conn, proxied: proxied}
	if proxied && !to.secure {
		l.proxy = d.proxy
	}
	if to.secure {
		l.wire = &wire{Conn: conn}
		if l.Conn, err = d.secure(ctx, l.wire, to, proxied); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return l, nil
}

// secure puts TLS on a connection, through a tunnel if it goes to a proxy.
func (d *Dialer) secure(ctx context.Context, conn net.Conn, to *Address, proxied bool) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if proxied {
		if err := d.proxy.tunnel(conn, to); err != nil {
			return nil, err
		}
	}
	config := d.tls.Clone()
	config.ServerName = to.name
	config.DynamicRecordSizingDisabled = true // small records at first would only be more bytes for a push
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, explainTLS(err)
	}
	return c, nil
}

// proxied says whether an upstream is reached through the proxy: all but those whose every address is local. A name
// that we cannot look up is the proxy's to know.
func (d *Dialer) proxied(ctx context.Context, to *Address) bool {
	if d.proxy == nil {
		return false
	}
	if d.forLocal {
		return true
	}
	addrs := d.addresses(ctx, to)
	return len(addrs) == 0 || slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !isLocal(a) })
}

// addresses are those of an upstream's host, none if we cannot look it up.
func (d *Dialer) addresses(ctx context.Context, to *Address) []netip.Addr {
	host, _, err := net.SplitHostPort(to.addr)
	if err != nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout/2) // a proxy is often where there is no DNS
	defer cancel()
	addrs, err := d.LookupIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	return addrs
}

// vouch checks what a proxy will dial for us, as far as we can know.
func (d *Dialer) vouch(ctx context.Context, to *Address, least scope) error {
	if least == scopeHost {
		return nil
	}
	for _, a := range d.addresses(ctx, to) {
		if err := least.admits(a); err != nil {
			return fmt.Errorf("%s: %w", to.addr, err)
		}
	}
	return nil
}

// reach is the scope of an upstream that we are connected to; through a proxy, of the farthest of its addresses.
func (d *Dialer) reach(ctx context.Context, l *link, at *Address) scope {
	if !l.proxied {
		return remoteScope(l)
	}
	addrs := d.addresses(ctx, at)
	if len(addrs) == 0 {
		return scopePublic
	}
	farthest := scopeHost
	for _, a := range addrs {
		farthest = max(farthest, scopeOf(a))
	}
	return farthest
}
