package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
)

// reachable says whether a request at an address is answered.
func reachable(at string) bool {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return false
	}
	defer c.Close()
	fmt.Fprint(c, "OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.Contains(line, "200")
}

// Plain addresses come and go, those of the start as well, and whoever is connected there stays. What gnet has no
// listener for any more is another's to take.
func TestReloadListeners(t *testing.T) {
	t.Parallel()
	first := freePort(t) // or another may take it while nobody listens there
	r := startReloadable(t, func(c *config.Config) { c.Server.Listen = []string{first.String()} })
	source := pushTo(t, first)
	viewer := r.watch("a", ffmpegAgent)
	second := freePort(t).String()
	r.change(func(c *config.Config) { c.Server.Listen = []string{first.String(), second} })
	if at := r.Addrs(); len(at) != 2 || at[0] != first || at[1].String() != second || !reachable(second) {
		t.Fatalf("listens at %v, want %v and %s", at, first, second)
	}
	r.at = netip.MustParseAddrPort(second)
	later := r.watch("a", ffmpegAgent)
	r.change(func(c *config.Config) { c.Server.Listen = []string{second} })
	if at := r.Addrs(); len(at) != 1 || at[0].String() != second || reachable(first.String()) {
		t.Errorf("listens at %v, want %s alone", at, second)
	}
	l, err := net.Listen("tcp", first.String())
	if err != nil {
		t.Errorf("the address is not free: %v", err)
	} else {
		l.Close()
	}
	r.change(func(c *config.Config) { c.Server.Listen = []string{second, first.String()} })
	if !reachable(first.String()) || !reachable(second) {
		t.Error("not reachable at both")
	}
	r.change(func(c *config.Config) { c.Server.Listen = []string{first.String()} })
	if !reachable(first.String()) || reachable(second) {
		t.Error("reachable elsewhere than at the first alone")
	}
	source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(1, 40, false, asftest.PacketSize, 500)))
	source.Write(codec.AppendReason(nil, 'E', 0))
	for _, body := range []io.Reader{viewer, later} {
		b, err := io.ReadAll(body)
		if got := (&rig{t: t}).read(b); err != nil || got.headers != 1 || len(got.numbers) != 2 {
			t.Errorf("%+v, %v, want one header and two packets", got, err)
		}
	}
}

// An address in use refuses the reload, and what was opened before it is closed again.
func TestReloadListensNowhereInHalf(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freePort(t).String()
	r.cfg.Server.Listen = []string{"127.0.0.1:0", free, taken.Addr().String()}
	_, err = r.Reload(t.Context())
	named := err != nil && strings.HasPrefix(err.Error(), "server.listen[2]: ")
	if !named || reachable(free) || !reachable(r.at.String()) {
		t.Errorf("got %v, want server.listen[2] in use and all as before", err)
	}
}

// TLS comes, with another certificate, and goes.
func TestReloadTLS(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	pushTo(t, r.at)
	files := writeCertificate(t, t.TempDir(), "one", "one.example")
	at := freePort(t).String()
	r.change(func(c *config.Config) { c.TLS.Listen, c.TLS.Certificates = []string{at}, []config.Certificate{files} })
	name := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\n\r\n", curlAgent)
		if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
			t.Errorf("nothing to watch: %v", err)
		}
		return c.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if got := name(); got != "one.example" {
		t.Errorf("certificate of %q, want one.example", got)
	}
	files = writeCertificate(t, t.TempDir(), "two", "two.example")
	r.change(func(c *config.Config) { c.TLS.Certificates = []config.Certificate{files} })
	if got := name(); got != "two.example" {
		t.Errorf("certificate of %q, want two.example", got)
	}
	r.change(func(c *config.Config) { c.Timeouts.Handshake++ })
	if got := config.Duration(r.handshakes.timeout.Load()); got != r.cfg.Timeouts.Handshake {
		t.Errorf("%v for a handshake, want %v", got, r.cfg.Timeouts.Handshake)
	}
	r.change(func(c *config.Config) { c.TLS.Listen = nil })
	if c, err := net.Dial("tcp", at); err == nil {
		c.Close()
		t.Error("it listens for TLS still")
	}
	if r.unwatch != nil {
		t.Error("it looks at certificates still")
	}
	files = writeCertificate(t, t.TempDir(), "three", "three.example")
	r.change(func(c *config.Config) { c.TLS.Certificates = []config.Certificate{files} })
	r.change(func(c *config.Config) { c.TLS.Listen = []string{at} })
	if got := name(); got != "three.example" {
		t.Errorf("TLS is back with the certificate of %q, want three.example", got)
	}
}

// The admin moves, and what it shows is the configuration of now.
func TestReloadAdmin(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	at := freePort(t).String()
	get := func(path string) int {
		res, err := http.Get("http://" + at + path)
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	r.change(func(c *config.Config) { c.Server.Admin = at })
	if a, b := get("/healthz"), get("/debug/pprof/cmdline"); a != 200 || b != 404 || r.AdminAddr().String() != at {
		t.Errorf("health %d, profiles %d at %v, want 200 and 404 at %s", a, b, r.AdminAddr(), at)
	}
	r.change(func(c *config.Config) { c.Server.Pprof = true })
	if b := get("/debug/pprof/cmdline"); b != 200 {
		t.Errorf("profiles %d, want 200", b)
	}
	r.change(func(c *config.Config) { c.Server.Admin = "" })
	r.until("it is gone", func() bool { return get("/healthz") == 0 })
}

// Whom a proxy speaks for counts from when that one is trusted.
func TestReloadTrustedProxies(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) { c.Server.Redirect404To = "http://elsewhere.example/" })
	r.change(func(c *config.Config) { c.Server.TrustedProxies = []string{"127.0.0.1"} })
	r.until("loops know", func() bool {
		c := dial(t, r.at)
		defer c.Close()
		fmt.Fprint(c, "PROXY TCP4 192.0.2.7 192.0.2.1 1000 80\r\nHEAD /streams/none HTTP/1.0\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		return err == nil && strings.Contains(line, "302")
	})
}

// Addresses that a reload adds are reckoned with: each of them lets connections wait for their loops.
func TestReloadBudgetsItsListeners(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	before := r.budget.connections
	r.change(func(c *config.Config) {
		c.Server.Listen = append(slices.Clone(c.Server.Listen), freePort(t).String(), freePort(t).String())
	})
	waiting := int64(0)
	for _, l := range r.listeners {
		waiting += int64(cap(l.enrolling))
	}
	if len(r.listeners) != 2 || waiting == 0 || before-r.budget.connections < waiting {
		t.Errorf("%d listeners more, where %d may wait: %d connections, before %d", len(r.listeners), waiting,
			r.budget.connections, before)
	}
}
