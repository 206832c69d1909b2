package server

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	cert := testCertificate(t)
	colons := strings.ToUpper(print[:2])
	for i := 2; i < len(print); i += 2 {
		colons += ":" + print[i:i+2]
	}

	for _, tt := range []struct {
		name string
		cfg  StreamConfig
		host string // as the URL calls it
		want string // of the error, "" is none
	}{
		{"system", StreamConfig{}, "", `; if it is right, trust it by ca_file or fingerprint = "` + print + `"`},
		{"ca_file", StreamConfig{CAFile: ca}, "", ""},
		{"ca_file, another name", StreamConfig{CAFile: ca}, "localhost", "not localhost"},
		{"ca_file of somebody else", StreamConfig{CAFile: cert.dir + "/pump.crt"}, "", "unknown authority"},
		{"fingerprint", StreamConfig{Fingerprint: print}, "", ""},
		{"fingerprint with colons", StreamConfig{Fingerprint: colons}, "", ""},
		{"fingerprint, another name", StreamConfig{Fingerprint: print}, "localhost", ""},
		{"fingerprint of somebody else", StreamConfig{Fingerprint: somePrint}, "",
			"tls: the upstream's certificate is not the one of fingerprint: " + print + ", want " + somePrint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := newDialer(dialerOptions{caFile: tt.cfg.CAFile, fingerprint: tt.cfg.Fingerprint})
			if err != nil {
				t.Fatal(err)
			}
			to, err := parseUpstream(secure.URL)
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

func TestTrustRefuses(t *testing.T) {
	for _, c := range []StreamConfig{{CAFile: "none.pem"}, {CAFile: "trust.go"}, {Fingerprint: "00"}} {
		if _, err := newDialer(dialerOptions{caFile: c.CAFile, fingerprint: c.Fingerprint}); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if err := checkFingerprint(nil, [32]byte{}); !errors.Is(err, errNoCertificate) {
		t.Errorf("no certificate: %v", err)
	}
}

// A plain server on the port of TLS is an error of its own.
func TestTrustPlainServer(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	d, err := newDialer(dialerOptions{fingerprint: somePrint})
	if err != nil {
		t.Fatal(err)
	}
	to, err := parseUpstream(strings.Replace(plain.URL, "http:", "https:", 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.dial(t.Context(), to, scopeHost)
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("%v, want one about TLS", err)
	}
}
