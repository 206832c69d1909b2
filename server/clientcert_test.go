package server

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pumpd/server/auth"
)

// A signer is a CA of the test's.
type signer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	ca := &signer{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	self := &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	ca.cert, ca.key = self, nil
	ca.cert, ca.key = ca.sign(self)
	ca.writeTo(ca.file)
	return ca
}

func (ca *signer) writeTo(file string) {
	ca.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		ca.t.Fatal(err)
	}
}

// sign makes a certificate and its key.
func (ca *signer) sign(of *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	signs := ca.key
	if signs == nil {
		signs = key
	}
	if of.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		ca.t.Fatal(err)
	}
	of.NotBefore, of.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, of, ca.cert, &key.PublicKey, signs)
	if err != nil {
		ca.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		ca.t.Fatal(err)
	}
	return cert, key
}

// client is a client's certificate.
func (ca *signer) client(of x509.Certificate) tls.Certificate {
	cert, key := ca.sign(&of)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func byCommonName(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}}
}

// setUp pushes with a certificate, if there is one, and returns the status.
func (s *tlsServer) setUp(cfg *tls.Config) (status int, state tls.ConnectionState, err error) {
	s.t.Helper()
	cfg.InsecureSkipVerify = true
	c := tls.Client(dial(s.t, s.tls), cfg)
	fmt.Fprintf(c, "POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: 0\r\n\r\n", setupType)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, c.ConnectionState(), err
	}
	return res.StatusCode, c.ConnectionState(), nil
}

// Who may push by a certificate is who has one of the names, signed by client_ca.
func TestPushWithCertificate(t *testing.T) {
	ca, stranger := newSigner(t), newSigner(t)
	cfg := tlsConfig(t)
	cfg.TLS.ClientCA = ca.file
	cfg.Streams[0].PushCerts = []string{"encoder.example", "a@b.example"}
	s := serveTLS(t, cfg, slog.New(slog.DiscardHandler), nil)
	server := byCommonName("encoder.example")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, c := range []struct {
		name   string
		certs  []tls.Certificate
		status int // 0: it does not come to that
	}{
		{"common name", []tls.Certificate{ca.client(byCommonName("Encoder.example"))}, 204},
		{"DNS name", []tls.Certificate{ca.client(x509.Certificate{DNSNames: []string{"x", "encoder.example"}})}, 204},
		{"e-mail", []tls.Certificate{ca.client(x509.Certificate{EmailAddresses: []string{"a@b.example"}})}, 204},
		{"another name", []tls.Certificate{ca.client(byCommonName("decoder.example"))}, 403},
		{"name that only contains it", []tls.Certificate{ca.client(byCommonName("xencoder.example"))}, 403},
		{"no certificate", nil, 403},
		{"a stranger's", []tls.Certificate{stranger.client(byCommonName("encoder.example"))}, 0},
		{"a server's", []tls.Certificate{ca.client(server)}, 0},
	} {
		for name, version := range tlsVersions {
			// What the client is asked for names the CA; this one does not care.
			show := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(c.certs) == 0 {
					return &tls.Certificate{}, nil
				}
				return &c.certs[0], nil
			}
			status, _, err := s.setUp(&tls.Config{GetClientCertificate: show, MaxVersion: version})
			if status != c.status || (err == nil) != (c.status != 0) {
				t.Errorf("%s, TLS %s: %d, %v, want %d", c.name, name, status, err, c.status)
			}
		}
	}
	c := dial(t, s.plain)
	fmt.Fprintf(c, "POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: 0\r\n\r\n", setupType)
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 403 {
		t.Errorf("without TLS: %v, %v, want 403", res, err)
	}
}

// Each key that is set has to be satisfied; without any, a certificate is as good as to be here.
func TestWhatBarsPushes(t *testing.T) {
	cert := &x509.Certificate{DNSNames: []string{"encoder.example"}}
	from := auth.Networks{netip.MustParsePrefix("192.0.2.0/24")}
	users, certs := auth.Users{"a": {}}, []string{"encoder.example"}
	near, far, here := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1"), netip.IPv6Loopback()
	const none = "push_users, push_from or push_certs"
	for i, c := range []struct {
		rights pushRights
		from   netip.Addr
		cert   *x509.Certificate
		keys   string
	}{
		{pushRights{}, here, nil, ""},
		{pushRights{}, far, nil, none},
		{pushRights{}, far, cert, ""},
		{pushRights{users: users}, far, nil, ""},
		{pushRights{from: from}, near, nil, ""},
		{pushRights{from: from}, far, cert, "push_from"},
		{pushRights{from: from}, here, nil, "push_from"},
		{pushRights{certs: certs}, here, nil, "push_certs"},
		{pushRights{certs: certs}, far, cert, ""},
		{pushRights{certs: []string{"other"}}, far, cert, "push_certs"},
		{pushRights{from: from, certs: certs}, near, nil, "push_certs"},
		{pushRights{from: from, certs: certs}, far, cert, "push_from"},
		{pushRights{from: from, certs: certs, users: users}, near, cert, ""},
		{pushRights{users: users, certs: certs}, near, nil, "push_certs"},
	} {
		if keys := c.rights.bars(c.from, c.from.IsLoopback(), c.cert); keys != c.keys {
			t.Errorf("%d: %q, want %q", i, keys, c.keys)
		}
	}
}

// A session that is resumed has the certificate of its beginning, but not when client_ca has changed since.
func TestResumedCertificate(t *testing.T) {
	ca, other := newSigner(t), newSigner(t)
	cfg := tlsConfig(t)
	cfg.TLS.ClientCA = ca.file
	cfg.Streams[0].PushCerts = []string{"encoder.example"}
	s := serveTLS(t, cfg, slog.New(slog.DiscardHandler), nil)
	certs := s.handshakes.certs.Load()
	for name, version := range tlsVersions {
		ca.writeTo(ca.file)
		certs.look()
		certs.look()
		cert := ca.client(byCommonName("encoder.example"))
		client := &tls.Config{MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }}
		for i, resumed := range []bool{false, true} {
			status, state, err := s.setUp(client)
			if status != 204 || state.DidResume != resumed || err != nil {
				t.Errorf("TLS %s: %d: %d, resumed %v, %v", name, i, status, state.DidResume, err)
			}
		}
		other.writeTo(ca.file)
		certs.look()
		certs.look()
		if status, state, err := s.setUp(client); err == nil {
			t.Errorf("TLS %s: %d, resumed %v, with a certificate of the old client_ca", name, status, state.DidResume)
		}
	}
}

// The key that seals sessions is replaced every day and forgotten after a week, so who steals it cannot read for long
// what was recorded. That is crypto/tls' doing, as long as nobody sets keys.
func TestTicketKeysRotate(t *testing.T) {
	now := time.Now()
	s := startTLSServer(t, func(s *Server) { s.handshakes.certs.Load().config().Time = func() time.Time { return now } })
	cfg := s.handshakes.certs.Load().config()
	// ticket is what a client is given, on a connection that goes on until it has come.
	ticket := func() []byte {
		t.Helper()
		cache := tls.NewLRUClientSessionCache(1)
		c := tls.Client(dial(t, s.tls), &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache,
			ServerName: "localhost"})
		io.WriteString(c, "OPTIONS * HTTP/1.0\r\n\r\n")
		if _, err := io.ReadAll(c); err != nil {
			t.Fatal(err)
		}
		session, ok := cache.Get("localhost")
		if !ok {
			t.Fatal("no ticket")
		}
		sealed, _, err := session.ResumptionState()
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	opens := func(sealed []byte) bool {
		state, err := cfg.DecryptTicket(sealed, tls.ConnectionState{})
		return state != nil && err == nil
	}
	const day = 24 * time.Hour
	first := ticket()
	if !opens(first) {
		t.Fatal("a new ticket is not readable")
	}
	now = now.Add(day + time.Hour)
	second := ticket() // by a new key
	if !opens(first) || !opens(second) {
		t.Error("a ticket of yesterday is void")
	}
	now = now.Add(6 * day)
	if ticket(); opens(first) {
		t.Error("a key of eight days ago is still there")
	}
	if !opens(second) {
		t.Error("the key was not replaced after a day")
	}
}

func TestMinVersion(t *testing.T) {
	cfg := tlsConfig(t)
	cfg.TLS.MinVersion = "1.3"
	s := serveTLS(t, cfg, slog.New(slog.DiscardHandler), nil)
	for version, ok := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		c := tls.Client(dial(t, s.tls), &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
		if err := c.Handshake(); (err == nil) != ok {
			t.Errorf("%s: %v, want it to work: %v", tls.VersionName(version), err, ok)
		}
	}
}
