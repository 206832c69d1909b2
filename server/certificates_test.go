package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// writeCertificate makes a self-signed certificate for name, in files of dir that are named after file.
func writeCertificate(t testing.TB, dir, file, name string) config.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	from := &x509.Certificate{SerialNumber: serial, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, from, from, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Certificate{Cert: filepath.Join(dir, file+".crt"), Key: filepath.Join(dir, file+".key")}
	for name, block := range map[string]*pem.Block{
		c.Cert: {Type: "CERTIFICATE", Bytes: cert},
		c.Key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// certified is the certificate that a client gets that asks for name.
func certified(t *testing.T, c *certificates, name string) *x509.Certificate {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go tls.Server(far, &tls.Config{GetCertificate: c.choose}).Handshake()
	client := tls.Client(near, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	client.SetDeadline(time.Now().Add(10 * time.Second))
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0]
}

func TestNameChoosesCertificate(t *testing.T) {
	dir := t.TempDir()
	files := []config.Certificate{
		writeCertificate(t, dir, "first", "one.example"),
		writeCertificate(t, dir, "second", "*.two.example"),
	}
	c, err := newCertificates(files, clock.New(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"one.example":     "one.example",
		"ONE.example":     "one.example",
		"www.two.example": "*.two.example",
		"two.example":     "one.example", // nobody's: the first
		"":                "one.example",
	} {
		if got := certified(t, c, name).DNSNames[0]; got != want {
			t.Errorf("%q: certificate of %q, want that of %q", name, got, want)
		}
	}
}

func TestChangedCertificatesAreLoaded(t *testing.T) {
	dir := t.TempDir()
	files := []config.Certificate{writeCertificate(t, dir, "pump", "old.example")}
	at := clock.Instant(1)
	var logged strings.Builder
	clk := clock.Clock{Now: func() clock.Instant { return at }}
	c, err := newCertificates(files, clk, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when, want string) {
		t.Helper()
		if got := certified(t, c, "").DNSNames[0]; got != want {
			t.Errorf("%s: certificate of %q, want that of %q", when, got, want)
		}
	}
	// Files that are written within the clock's grain still differ: stamps are set by hand.
	version := 0
	renew := func(name string, whole bool) {
		t.Helper()
		key, err := os.ReadFile(files[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		writeCertificate(t, dir, "pump", name)
		if !whole {
			if err := os.WriteFile(files[0].Key, key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		version++
		for _, file := range []string{files[0].Cert, files[0].Key} {
			when := time.Now().Add(time.Duration(version) * time.Second)
			if err := os.Chtimes(file, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
	renew("new.example", true)
	at = at.Add(lookInterval - 1)
	expect("before the look", "old.example")
	at = at.Add(1)
	expect("after it", "new.example")

	renew("half.example", false)
	at = at.Add(lookInterval)
	expect("with the key of another", "new.example")
	if !strings.Contains(logged.String(), "level=ERROR") {
		t.Errorf("nothing is said about the wrong key: %q", &logged)
	}
	if err := os.Remove(files[0].Key); err != nil {
		t.Fatal(err)
	}
	at = at.Add(lookInterval)
	expect("without a key", "new.example")
	writeCertificate(t, dir, "pump", "newest.example")
	at = at.Add(lookInterval)
	expect("whole again", "newest.example")
	logged.Reset()
	at = at.Add(lookInterval)
	expect("unchanged", "newest.example")
	if logged.Len() > 0 {
		t.Errorf("unchanged files are loaded again: %q", &logged)
	}
}

func TestNoCertificates(t *testing.T) {
	dir := t.TempDir()
	good := writeCertificate(t, dir, "good", "one.example")
	other := writeCertificate(t, dir, "other", "two.example")
	for name, files := range map[string][]config.Certificate{
		"no file":            {{Cert: filepath.Join(dir, "none"), Key: good.Key}},
		"key of another":     {good, {Cert: good.Cert, Key: other.Key}},
		"key as certificate": {{Cert: good.Key, Key: good.Key}},
	} {
		if _, err := newCertificates(files, clock.New(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
