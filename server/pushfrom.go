package server

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
)

// bars is the key of the configuration, or the keys, by which an encoder may not push at all, with a password or
// without; "": it may. from and local are conn.listed and conn.local; cert is nil for who shows none. Where nothing is
// configured only this machine may, and who shows a certificate of client_ca: that can be tried at once, and strangers
// on the Internet get no stream of their own.
func (r *pushRights) bars(from netip.Addr, local bool, cert *x509.Certificate) (keys string) {
	switch {
	case len(r.from) > 0 && !r.from.Contains(from):
		return "push_from"
	case len(r.certs) > 0 && !r.certifies(cert):
		return "push_certs"
	case len(r.from) == 0 && !r.proved() && !local && cert == nil:
		return "push_users, push_from or push_certs"
	}
	return ""
}

// proved says whether an encoder has to show what strangers have not. Then all who do count as the same one.
func (r *pushRights) proved() bool { return len(r.users)+len(r.certs) > 0 }

// certifies says whether a certificate has one of the names of push_certs.
func (r *pushRights) certifies(cert *x509.Certificate) bool {
	return cert != nil && slices.ContainsFunc(namesOf(cert), func(name string) bool {
		return slices.ContainsFunc(r.certs, func(wanted string) bool { return strings.EqualFold(name, wanted) })
	})
}

// certificate is the one that the peer has shown and client_ca has signed, nil if none.
func (c *conn) certificate() *x509.Certificate {
	switch w := c.wire.(type) {
	case *tlsWire:
		if chains := w.tls.ConnectionState().VerifiedChains; len(chains) > 0 {
			return chains[0][0]
		}
	case *relayed:
		return w.cert
	}
	return nil
}
