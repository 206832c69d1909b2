package upstream

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

var (
	ErrFingerprint   = errors.New("the upstream's certificate is not the one of fingerprint")
	ErrNoCertificate = errors.New("the upstream shows no certificate") // and there is a fingerprint
)

// trustOf says which certificates a stream's upstreams may show: those that the system trusts, those of ca_file, or one
// of fingerprints. Those need not be signed, in time, or for the right name: they are known by themselves.
func trustOf(caFile string, fingerprints []string) (*tls.Config, error) {
	c := &tls.Config{}
	if caFile != "" {
		roots, err := LoadRoots(caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		c.RootCAs = roots
	}
	var want [][sha256.Size]byte
	for _, f := range fingerprints {
		sum, err := ParseFingerprint(f)
		if err != nil {
			return nil, fmt.Errorf("fingerprint: %w", err)
		}
		want = append(want, sum)
	}
	if len(want) > 0 {
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error { return checkFingerprint(state.PeerCertificates, want) }
	}
	return c, nil
}

// clientCertificate reads what we show. That it is read for each handshake means that it may be renewed.
func (o DialerOptions) clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(o.ClientCert, o.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("client_cert: %w", err)
	}
	return &pair, nil
}

func checkFingerprint(shown []*x509.Certificate, want [][sha256.Size]byte) error {
	if len(shown) == 0 {
		return ErrNoCertificate
	}
	got := sha256.Sum256(shown[0].Raw)
	if slices.Contains(want, got) {
		return nil
	}
	var right []string
	for _, sum := range want {
		right = append(right, hex.EncodeToString(sum[:]))
	}
	return fmt.Errorf("%w: %s, want %s", ErrFingerprint, hex.EncodeToString(got[:]), strings.Join(right, " or "))
}

// explainTLS adds to the error of a handshake what an operator can do about it.
func explainTLS(err error) error {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		sum := sha256.Sum256(v.UnverifiedCertificates[0].Raw)
		return fmt.Errorf("tls: %w; if it is right, trust it by ca_file or fingerprint = %q", err, hex.EncodeToString(sum[:]))
	}
	return fmt.Errorf("tls: %w", err)
}

var errNoCertificates = errors.New("no certificate in PEM form")

// LoadRoots reads the certificates, in PEM form, that a pull trusts in place of the system's. It is an error if there
// is none in the file.
func LoadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %w", file, errNoCertificates)
	}
	return roots, nil
}

// ParseFingerprint reads a SHA-256 in hex, as openssl and browsers print it, with colons or without.
func ParseFingerprint(s string) (sum [sha256.Size]byte, err error) {
	digits := strings.ReplaceAll(s, ":", "")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(sum) {
		return sum, fmt.Errorf("%.100q, want the %d hex digits of a SHA-256, with colons or without", s, 2*len(sum))
	}
	return [sha256.Size]byte(b), nil
}
