package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"pumpd/server/upstream"
)

// An endpoint is what a URL names, or what a redirect leads to.
type endpoint struct {
	scheme         string
	secure         bool
	addr           string // host:port
	name           string // host, as certificates have it
	target         string // path and query
	user, password string
	shown          string // the URL without secrets
}

// parseEndpoint reads the URL of a stream, as pulls do.
func parseEndpoint(raw string) (endpoint, error) {
	if _, err := upstream.Parse(raw); err != nil || strings.HasPrefix(raw, upstream.ServicePrefix) {
		return endpoint{}, fmt.Errorf("%s: want mmsh://HOST[:PORT]/PATH, or mms, http, https, mmshs", upstream.Redacted(raw))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return endpoint{}, fmt.Errorf("%s: not a URL", upstream.Redacted(raw))
	}
	return endpointOf(u), nil
}

func endpointOf(u *url.URL) endpoint {
	p := endpoint{
		scheme: strings.ToLower(u.Scheme), name: u.Hostname(), target: u.RequestURI(),
		user: u.User.Username(), shown: upstream.Redacted(u.String()),
	}
	p.password, _ = u.User.Password()
	p.secure = p.scheme == "https" || p.scheme == "mmshs"
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[p.secure]
	}
	p.addr = net.JoinHostPort(p.name, port)
	return p
}

// String is its URL without secrets.
func (p endpoint) String() string { return p.shown }

// to is where a Location leads. Credentials stay with their host.
func (p endpoint) to(location string) (endpoint, error) {
	base := &url.URL{Scheme: p.scheme, Host: p.addr, Path: "/"}
	if b, err := url.Parse(p.scheme + "://" + p.addr + p.target); err == nil {
		base = b
	}
	u, err := base.Parse(location)
	if err != nil || u.Host == "" {
		return endpoint{}, fmt.Errorf("%.200q is no URL", upstream.Redacted(location))
	}
	next := endpointOf(u)
	if next.user == "" && next.addr == p.addr {
		next.user, next.password = p.user, p.password
	}
	return next, nil
}

// dial connects to an endpoint. What is wrong with its certificate is a finding, and no error: what lies behind it is
// looked at all the same.
func (x *examination) dial(ctx context.Context, at endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, x.options.Patience)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at.addr)
	if err != nil {
		return nil, plainly(err, at, x.options.Patience)
	}
	if !at.secure {
		return conn, nil
	}
	config := x.options.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	roots := config.RootCAs
	config.ServerName, config.InsecureSkipVerify = at.name, true
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: no TLS there: %w", at.addr, err)
	}
	x.judgeCertificate(c.ConnectionState().PeerCertificates, at.name, roots)
	return c, nil
}

// plainly says why nobody is there.
func plainly(err error, at endpoint, patience time.Duration) error {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS && dns.IsNotFound:
		return &nameError{at.name, "there is no host of that name"}
	case isDNS:
		return &nameError{at.name, "the name cannot be looked up: " + dns.Err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nobody listens there", at.addr)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer for %v", at.addr, patience)
	}
	return fmt.Errorf("%s: %w", at.addr, err)
}

// A nameError is a name's, and not that of who would have it.
type nameError struct{ name, text string }

func (e *nameError) Error() string { return e.name + ": " + e.text }

// findOnce is find for what shows on each connection.
func (x *examination) findOnce(f Finding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.findings {
		if o.Kind == f.Kind && o.Text == f.Text {
			return
		}
	}
	x.findings = append(x.findings, f)
}
