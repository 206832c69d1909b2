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
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
		host    string // the certificate is for 127.0.0.1
		here    bool
		want    Severity // "": no finding
		text    string
		advice  string // in what can be done
	}{
		{"good", 60 * 24 * time.Hour, true, "127.0.0.1", false, "", "", ""},
		{"ends soon", 7 * 24 * time.Hour, true, "127.0.0.1", false, Warning, "the certificate ends on", "renewed"},
		{"ended", -time.Hour, true, "127.0.0.1", false, Fault, "expired", "renewed"},
		{"unknown", 60 * 24 * time.Hour, false, "127.0.0.1", false, Fault, "unknown authority", "signed"},
		{"another name", 60 * 24 * time.Hour, true, "localhost", false, Fault, "localhost", "the name"},
		{"another name for a pump of this machine", 60 * 24 * time.Hour, true, "localhost", true, "", "", ""},
		{"unknown on a pump of this machine", 60 * 24 * time.Hour, false, "localhost", true, Fault, "unknown", "signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wait := sync.OnceFunc(func() { time.Sleep(time.Second) })
			certificate, roots := selfSigned(t, c.left)
			if !c.trusted {
				roots = x509.NewCertPool()
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
			if err != nil {
				t.Fatal(err)
			}
			s := good()
			if c.left < 0 { // the second in which the first client is told of it is over before the next one comes
				s.check = func(*http.Request) (string, string) { wait(); return "", "" }
			}
			_, port, err := net.SplitHostPort(s.serveOn(t, l))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Examine(context.Background(), Options{
				URL: "https://" + c.host + ":" + port + "/streams/x", Watch: 50 * time.Millisecond, Patience: patient,
				TLS: &tls.Config{RootCAs: roots}, Here: c.here,
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
			case c.want != "" && len(got) == 1 && got[0].Severity == c.want && strings.Contains(got[0].Text, c.text) &&
				strings.Contains(got[0].Advice, c.advice):
			default:
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}

// A pump's own listeners are asked until when their certificates are good, and nothing else: for which name they are
// nobody knows here.
func TestHouseCertificates(t *testing.T) {
	for _, c := range []struct {
		name string
		left time.Duration
		want Severity // "": no finding
		text string
	}{
		{"good", 60 * 24 * time.Hour, "", ""},
		{"ends soon", 7 * 24 * time.Hour, Warning, "the certificate ends on"},
		{"ended", -time.Hour, Fault, "the certificate ended on"},
		{"clock far behind", 400 * 24 * time.Hour, Fault, "the certificate is good from"},
	} {
		certificate, _ := selfSigned(t, c.left)
		now := time.Now()
		if strings.Contains(c.name, "clock") {
			now = now.Add(-200 * 24 * time.Hour)
		}
		for _, on := range []string{"admin", "tls.listen"} {
			t.Run(on+" "+c.name, func(t *testing.T) {
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
				s.StartTLS()
				t.Cleanup(s.Close)
				h := wellKept(t)
				h.clock = func() (time.Time, bool) { return now, true }
				addr := s.Listener.Addr().String()
				if on == "admin" {
					h.cfg.Server.Admin, h.cfg.Server.AdminTLS = addr, true
				} else {
					h.cfg.TLS.Listen = []string{addr}
				}
				h.look(t.Context())
				switch f := h.findings; {
				case c.want == "" && len(f) == 0:
				case len(f) == 1 && f[0].Kind == "certificate" && f[0].Severity == c.want &&
					strings.HasPrefix(f[0].Text, on+" "+addr+": "+c.text):
				default:
					t.Errorf("%+v, want %s %q", f, c.want, c.text)
				}
			})
		}
	}
}
