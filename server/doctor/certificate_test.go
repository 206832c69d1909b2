package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// selfSigned is a certificate for 127.0.0.1 that is good for so long.
func selfSigned(t *testing.T, left time.Duration) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-90 * 24 * time.Hour), NotAfter: time.Now().Add(left),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		left    time.Duration
		trusted bool
		want    Severity // "": no finding
		text    string
	}{
		{"good", 60 * 24 * time.Hour, true, "", ""},
		{"ends soon", 7 * 24 * time.Hour, true, Warning, "the certificate ends on"},
		{"ended", -time.Hour, true, Fault, "expired"},
		{"unknown", 60 * 24 * time.Hour, false, Fault, "unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			certificate, roots := selfSigned(t, c.left)
			if !c.trusted {
				roots = x509.NewCertPool()
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
			if err != nil {
				t.Fatal(err)
			}
			addr := good().serveOn(t, l)
			r, err := Examine(context.Background(), Options{
				URL: "https://" + addr + "/streams/x", Watch: 50 * time.Millisecond, Patience: time.Second,
				TLS: &tls.Config{RootCAs: roots},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Clients) != len(rawClients) {
				t.Errorf("played by %v: what is behind a certificate is looked at in any case", r.Clients)
			}
			var got []Finding
			for _, f := range r.Findings {
				if f.Kind == "certificate" {
					got = append(got, f)
				}
			}
			switch {
			case c.want == "" && len(got) == 0:
			case c.want != "" && len(got) == 1 && got[0].Severity == c.want && strings.Contains(got[0].Text, c.text):
			default:
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}
