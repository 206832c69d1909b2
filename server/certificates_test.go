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
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	c, err := newCertificates(&config.TLS{Certificates: files}, &tls.Config{}, slog.New(slog.DiscardHandler))
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

// A renewal is a pair of files that may be written in any order and at any pace.
func TestChangedCertificatesAreLoaded(t *testing.T) {
	dir := t.TempDir()
	files := []config.Certificate{writeCertificate(t, dir, "pump", "old.example"),
		writeCertificate(t, dir, "other", "other.example")}
	var logged strings.Builder
	log := slog.New(slog.NewTextHandler(&logged, nil))
	c, err := newCertificates(&config.TLS{Certificates: files}, &tls.Config{}, log)
	if err != nil {
		t.Fatal(err)
	}
	look := func(when, want string, again time.Duration) {
		t.Helper()
		if d := c.look(); d != again {
			t.Errorf("%s: the next look in %v, want %v", when, d, again)
		}
		if got := certified(t, c, "").DNSNames[0]; got != want {
			t.Errorf("%s: certificate of %q, want that of %q", when, got, want)
		}
	}
	// Files that are written within the clock's grain still differ: they are other files.
	renew := func(name string, only ...string) {
		t.Helper()
		new := writeCertificate(t, t.TempDir(), "new", name)
		for from, to := range map[string]string{new.Cert: files[0].Cert, new.Key: files[0].Key} {
			if len(only) == 0 || slices.Contains(only, to) {
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	look("unchanged", "old.example", lookInterval)
	renew("new.example")
	look("just changed", "old.example", settleTime)
	look("settled", "new.example", lookInterval)
	if got := logged.String(); !strings.Contains(got, "names=new.example expires=") ||
		!strings.Contains(got, "file="+files[0].Cert) {
		t.Errorf("log %q, want file, name and expiry", got)
	}

	logged.Reset()
	renew("half.example", files[0].Cert)
	look("half written", "new.example", settleTime)
	look("with the key of another", "new.example", lookInterval)
	if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d lines about the wrong key: %q", n, &logged)
	}
	look("still so", "new.example", lookInterval)
	if err := os.Remove(files[0].Key); err != nil {
		t.Fatal(err)
	}
	look("key removed", "new.example", settleTime)
	look("without a key", "new.example", lookInterval)
	renew("newest.example")
	look("whole again", "new.example", settleTime)
	renew("last.example")
	look("and changed once more", "new.example", settleTime)
	look("settled", "last.example", lookInterval)
	logged.Reset()
	look("unchanged", "last.example", lookInterval)
	if logged.Len() > 0 {
		t.Errorf("unchanged files are loaded again: %q", &logged)
	}
	if got := certified(t, c, "other.example").DNSNames[0]; got != "other.example" {
		t.Errorf("the other certificate is that of %q", got)
	}
}

// Nobody has to connect for a new certificate to be noticed.
func TestCertificatesAreWatched(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		files := []config.Certificate{writeCertificate(t, dir, "pump", "old.example")}
		c, err := newCertificates(&config.TLS{Certificates: files}, &tls.Config{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		go c.watch(t.Context())
		before := c.loaded.Load()
		writeCertificate(t, dir, "pump", "new.example")
		time.Sleep(lookInterval + settleTime - time.Nanosecond)
		if synctest.Wait(); c.loaded.Load() != before {
			t.Error("loaded before it had settled")
		}
		time.Sleep(time.Nanosecond)
		if synctest.Wait(); c.loaded.Load() == before {
			t.Error("not loaded")
		}
	})
}

func TestExpiredCertificateIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	cert := writeCertificate(t, dir, "pump", "old.example")
	var logged strings.Builder
	synctest.Test(t, func(t *testing.T) { // begins in the year 2000, which lies before the certificate's time
		c := &certificates{log: slog.New(slog.NewTextHandler(&logged, nil))}
		pair, err := c.loadPair(cert)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(pair.Leaf.NotAfter) + time.Second)
		if _, err := c.loadPair(cert); err != nil {
			t.Error(err)
		}
	})
	if got := logged.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "expired") {
		t.Errorf("log %q, want one line that warns", got)
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
		cfg := &config.TLS{Certificates: files}
		if _, err := newCertificates(cfg, &tls.Config{}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
