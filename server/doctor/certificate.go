package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// expiring is how long before its end a certificate should have been renewed.
const expiring = 14 * 24 * time.Hour

// judgeCertificate is for who has dialled: is it good for this name, and signed by somebody?
func (x *examination) judgeCertificate(chain []*x509.Certificate, name string, roots *x509.CertPool) {
	if len(chain) == 0 {
		return
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if x.options.Here {
		name = ""
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between,
		CurrentTime: x.begun})
	if err != nil {
		x.findOnce(Finding{Kind: "certificate", Severity: Fault, Text: err.Error(), Advice: remedy(err)})
		return
	}
	if f, ending := judgeEnd(chain[0], x.begun); ending {
		x.findOnce(f)
	}
}

// remedy is what can be done about what is wrong with a certificate.
func remedy(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "Have one for the name that players ask for."
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "Have it signed by somebody whom players trust, and install the whole chain: certificate first, then what " +
			"signed it."
	}
	return "Have it renewed."
}

// judgeEnd looks only at the time for which a certificate is good.
func judgeEnd(c *x509.Certificate, now time.Time) (f Finding, ending bool) {
	f = Finding{Kind: "certificate", Severity: Fault, Advice: "Have it renewed."}
	end := c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.After(c.NotAfter):
		f.Text = "the certificate ended on " + end
	case now.Before(c.NotBefore):
		f.Text = "the certificate is good from " + c.NotBefore.UTC().Format(time.DateOnly) + " only"
		f.Advice = "Is the clock right?"
	case c.NotAfter.Sub(now) < expiring:
		f.Severity, f.Text = Warning, "the certificate ends on "+end
	default:
		return Finding{}, false
	}
	return f, true
}

// secured makes a handshake with a pump of this machine and judges the end of what it shows; for which name that is
// good cannot be known here.
func (h *house) secured(ctx context.Context, what string, conn net.Conn) {
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.HandshakeContext(ctx); err != nil {
		h.find("unreachable", Fault, fmt.Sprintf("%s: no TLS there: %v", what, err), "pumpd runs with another configuration.")
		return
	}
	h.shown(what, c.ConnectionState().PeerCertificates)
}

// shown judges the end of a certificate that a listener has shown.
func (h *house) shown(what string, chain []*x509.Certificate) {
	now, _ := h.clock()
	if f, ending := judgeEnd(chain[0], now); ending {
		h.find(f.Kind, f.Severity, what+": "+f.Text, f.Advice)
	}
}
