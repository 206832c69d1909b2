package upstream

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const somebodysPrint = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"

// Real handshakes with a certificate that nobody knows, for example.com and 127.0.0.1.
func TestTrust(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	sum := sha256.Sum256(secure.Certificate().Raw)
	print := hex.EncodeToString(sum[:])
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	other := strangersCA(t)
	colons := strings.ToUpper(print[:2])
	for i := 2; i < len(print); i += 2 {
		colons += ":" + print[i:i+2]
	}

	for _, tt := range []struct {
		name string
		opts DialerOptions
		host string // as the URL calls it
		want string // of the error, "" is none
	}{
		{"system", DialerOptions{}, "", `; if it is right, trust it by ca_file or fingerprint = "` + print + `"`},
		{"ca_file", DialerOptions{CAFile: ca}, "", ""},
		{"ca_file, another name", DialerOptions{CAFile: ca}, "localhost", "not localhost"},
		{"ca_file of somebody else", DialerOptions{CAFile: other}, "", "unknown authority"},
		{"fingerprint", DialerOptions{Fingerprint: print}, "", ""},
		{"fingerprint with colons", DialerOptions{Fingerprint: colons}, "", ""},
		{"fingerprint, another name", DialerOptions{Fingerprint: print}, "localhost", ""},
		{"fingerprint of somebody else", DialerOptions{Fingerprint: somebodysPrint}, "",
			"tls: the upstream's certificate is not the one of fingerprint: " + print + ", want " + somebodysPrint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := NewDialer(tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			to, err := Parse(secure.URL)
			if err != nil {
				t.Fatal(err)
			}
			if tt.host != "" {
				to.name = tt.host
			}
			l, err := d.dial(t.Context(), to, scopeHost)
			if err == nil {
				l.Close()
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// strangersCA writes the file of a CA that has signed nothing here.
func strangersCA(t *testing.T) (file string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	from := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(nil, from, from, public, private)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTrustRefuses(t *testing.T) {
	for _, o := range []DialerOptions{{CAFile: "none.pem"}, {CAFile: "trust.go"}, {Fingerprint: "00"}} {
		if _, err := NewDialer(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := checkFingerprint(nil, [32]byte{}); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("no certificate: %v", err)
	}
}

// A plain server on the port of TLS is an error of its own.
func TestTrustPlainServer(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	d, err := NewDialer(DialerOptions{Fingerprint: somebodysPrint})
	if err != nil {
		t.Fatal(err)
	}
	to, err := Parse(strings.Replace(plain.URL, "http:", "https:", 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.dial(t.Context(), to, scopeHost)
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("%v, want one about TLS", err)
	}
}
