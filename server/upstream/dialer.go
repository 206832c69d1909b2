package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"pumpd/codec"
	"pumpd/server/auth"
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
	proxy    *Address      // nil: none
	forLocal bool          // local addresses go through the proxy as well
	tls      *tls.Config
}

const dialTime = 5 * time.Second

// DialerOptions are what the configuration says of it. Zero: no proxy, and the certificates that the system trusts.
type DialerOptions struct {
	Proxy       string // its URL; "": none
	ForLocal    bool   // the proxy is for local addresses too
	CAFile      string // of certificates in PEM form; "": the system's
	Fingerprint string // of the one certificate that is right, in hex; "": any that is signed

	ClientCert, ClientKey string // files of what an upstream that asks for a certificate is shown; "": nothing
}

// NewDialer makes the dialer of a stream. Errors say what is wrong with an option.
func NewDialer(o DialerOptions) (*Dialer, error) {
	trust, err := trustOf(o.CAFile, o.Fingerprint)
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
		proxy, err := Parse(o.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		d.proxy = proxy
	}
	return d, nil
}

// A link is an open connection to an upstream.
type link struct {
	net.Conn
	proxy   *Address // not nil: requests go to this proxy and need the absolute form
	proxied bool     // the other end is a proxy
}

// dial connects, as far as to where a request can be sent, but to no address nearer than least.
func (d *Dialer) dial(ctx context.Context, to *Address, least scope) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*d.timeout)
	defer cancel()
	proxied := d.proxied(ctx, to)
	addr := to.addr
	if proxied {
		if err := d.vouch(ctx, to, least); err != nil {
			return nil, err
		}
		addr, least = d.proxy.addr, scopeHost
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
		if l.Conn, err = d.secure(ctx, conn, to, proxied); err != nil {
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
		if err := tunnel(conn, to, d.proxy); err != nil {
			return nil, err
		}
	}
	config := d.tls.Clone()
	config.ServerName = to.name
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, explainTLS(err)
	}
	return c, nil
}

// tunnel asks a proxy to connect us: RFC 9110 9.3.6.
func tunnel(conn io.ReadWriter, to, proxy *Address) error {
	b := codec.AppendRequestLine(nil, "CONNECT", to.host, 1)
	b = codec.AppendField(b, "Host", to.host)
	b = proxy.appendProxyAuthorization(b)
	if _, err := conn.Write(append(b, "\r\n"...)); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	var r codec.Response
	var head []byte
	for { // byte by byte: what comes after the head is not ours
		var next [1]byte
		if _, err := io.ReadFull(conn, next[:]); err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		head = append(head, next[0])
		_, err := codec.ParseResponse(head, maxReplyHead, &r)
		if errors.Is(err, codec.ErrShort) {
			continue
		}
		if err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		if r.Status/100 != 2 {
			return fmt.Errorf("proxy: answer to CONNECT %s: %d %.80q", to.host, r.Status, r.Reason)
		}
		return nil
	}
}

// appendProxyAuthorization adds the proxy's credentials, Basic as RFC 7617 has it, without waiting to be asked.
func (u *Address) appendProxyAuthorization(b []byte) []byte {
	if u.user == "" {
		return b
	}
	return codec.AppendField(b, "Proxy-Authorization", auth.BasicField(u.user, u.password))
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
