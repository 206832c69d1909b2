package upstream

import (
	"bytes"
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
		{"fingerprint", DialerOptions{Fingerprints: []string{print}}, "", ""},
		{"fingerprint with colons", DialerOptions{Fingerprints: []string{colons}}, "", ""},
		{"fingerprint, another name", DialerOptions{Fingerprints: []string{print}}, "localhost", ""},
		{"fingerprint of somebody else", DialerOptions{Fingerprints: []string{somebodysPrint}}, "",
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

// An upstream that asks for a certificate gets that of the files as they are then.
func TestClientCertificate(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	shown := make(chan []byte, 1)
	secure.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12,
		VerifyConnection: func(s tls.ConnectionState) error { shown <- s.PeerCertificates[0].Raw; return nil }}
	secure.StartTLS()
	defer secure.Close()
	sum := sha256.Sum256(secure.Certificate().Raw)
	dir := t.TempDir()
	o := DialerOptions{Fingerprints: []string{hex.EncodeToString(sum[:])}, ClientCert: filepath.Join(dir, "c.crt"),
		ClientKey: filepath.Join(dir, "c.key")}
	d, err := NewDialer(o)
	if err != nil {
		t.Fatal(err)
	}
	to, err := Parse(secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.dial(t.Context(), to, scopeHost); err == nil || !strings.Contains(err.Error(), "client_cert: open ") {
		t.Errorf("without files: %v", err)
	}
	for range 2 {
		want := writePair(t, o.ClientCert, o.ClientKey)
		l, err := d.dial(t.Context(), to, scopeHost)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if got := <-shown; !bytes.Equal(got, want) {
			t.Error("it has seen another certificate")
		}
	}
}

// writePair makes a certificate and its key.
func writePair(t *testing.T, certFile, keyFile string) (cert []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	from := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	if cert, err = x509.CreateCertificate(nil, from, from, public, private); err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert
}

// strangersCA writes the file of a CA that has signed nothing here.
func strangersCA(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "other.pem")
	writePair(t, file, filepath.Join(t.TempDir(), "other.key"))
	return file
}

func TestTrustRefuses(t *testing.T) {
	for _, o := range []DialerOptions{{CAFile: "none.pem"}, {CAFile: "trust.go"}, {Fingerprints: []string{"00"}}} {
		if _, err := NewDialer(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := checkFingerprint(nil, nil); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("no certificate: %v", err)
	}
}

// A plain server on the port of TLS is an error of its own.
func TestTrustPlainServer(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	d, err := NewDialer(DialerOptions{Fingerprints: []string{somebodysPrint}})
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
