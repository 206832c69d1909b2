package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"pumpd/server/config"
)

// An operatorClient asks an admin, over one kept connection where it can.
type operatorClient struct {
	http.Client
	t  *testing.T
	at string
}

func (r *reloadable) operator(cfg *tls.Config) *operatorClient {
	transport := &http.Transport{TLSClientConfig: cfg}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &operatorClient{http.Client{Transport: transport}, r.t, r.AdminAddr().String()}
}

// health asks over a scheme, and returns the status, what it came with, and the connection's certificate's name.
func (o *operatorClient) health(scheme string) (code int, body, name string) {
	o.t.Helper()
	res, err := o.Get(scheme + "://" + o.at + "/healthz")
	if err != nil {
		return 0, err.Error(), ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	if res.TLS != nil {
		name = res.TLS.PeerCertificates[0].DNSNames[0]
	}
	return res.StatusCode, string(b), name
}

// The admin speaks TLS with certificates that nothing else needs, from one reload to another, at the same address.
func TestReloadAdminTLS(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) { c.Server.Admin = "127.0.0.1:0" })
	dir := t.TempDir()
	files := writeCertificate(t, dir, "pump", "one.example")
	before := r.operator(nil)
	if code, body, _ := before.health("http"); code != 200 {
		t.Fatalf("%d %s without TLS, want 200", code, body)
	}
	r.change(func(c *config.Config) {
		c.Server.AdminTLS, c.TLS.Certificates = true, []config.Certificate{files}
		c.TLS.ClientCA = files.Cert
	})
	// The connection from before is answered once more, and then closed.
	res, err := before.Get("http://" + before.at + "/healthz")
	if err != nil || res.StatusCode != 200 || !res.Close {
		t.Errorf("%v, %v on the connection from before, want 200 and its end", res, err)
	} else {
		res.Body.Close()
	}
	if code, body, _ := before.health("http"); code != 400 || !strings.Contains(body, "HTTPS") {
		t.Errorf("%d %q for plain HTTP, want 400 that names HTTPS", code, body)
	}

	asked := false
	secure := r.operator(&tls.Config{InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return nil, errors.New("none")
		}})
	if code, body, name := secure.health("https"); code != 200 || name != "one.example" || asked {
		t.Errorf("%d %q with the certificate of %q, one asked for: %v; want 200, one.example, false", code, body, name, asked)
	}
	if url, want := r.admin.Load().URL(), "https://"+secure.at+"/"; url != want {
		t.Errorf("announced as %s, want %s", url, want)
	}
	if shown := r.counters().Certificates; len(shown) != 1 || shown[0].File != files.Cert {
		t.Errorf("metrics have %v, want %s", shown, files.Cert)
	}

	// A renewal needs no reload.
	renewed := writeCertificate(t, t.TempDir(), "new", "two.example")
	for from, to := range map[string]string{renewed.Cert: files.Cert, renewed.Key: files.Key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	r.certs.Load().lookSoon()
	r.until("the renewed certificate is shown", func() bool {
		secure.CloseIdleConnections() // so that there is another handshake
		_, _, name := secure.health("https")
		return name == "two.example"
	})

	r.change(func(c *config.Config) { c.TLS.MinVersion = "1.3" })
	old := r.operator(&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if code, body, _ := old.health("https"); code != 0 || !strings.Contains(body, "protocol version") {
		t.Errorf("%d %q for TLS 1.2 where 1.3 is wanted", code, body)
	}
	report := r.change(func(c *config.Config) { c.Server.AdminTLS = false })
	code, _, _ := r.operator(nil).health("http")
	if code != 200 || !slices.Equal(report.Keys, []string{"server.admin_tls"}) {
		t.Errorf("%d without TLS again after %+v, want 200", code, report)
	}
}

// It speaks TLS from the start, also where viewers and encoders do not.
func TestAdminTLSFromTheStart(t *testing.T) {
	t.Parallel()
	files := writeCertificate(t, t.TempDir(), "pump", "pump.example")
	r := startReloadable(t, func(c *config.Config) {
		c.Server.Admin, c.Server.AdminTLS, c.TLS.Certificates = "127.0.0.1:0", true, []config.Certificate{files}
	})
	o := r.operator(&tls.Config{InsecureSkipVerify: true})
	if code, body, name := o.health("https"); code != 200 || name != "pump.example" {
		t.Errorf("%d %q with the certificate of %q, want 200, pump.example", code, body, name)
	}
	if r.handshakes != nil || len(r.TLSAddrs()) > 0 {
		t.Errorf("it listens for viewers at %v", r.TLSAddrs())
	}
}
