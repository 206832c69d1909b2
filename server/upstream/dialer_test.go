package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestProxied(t *testing.T) {
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		switch host {
		case "inside.example":
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}, nil
		case "both.example":
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.1")}, nil
		case "outside.example":
			return []netip.Addr{netip.MustParseAddr("2001:db8::1")}, nil
		case "none.example":
			return nil, nil
		}
		return nil, errors.New("no such host")
	}
	for _, tt := range []struct {
		host string
		want bool
	}{
		{"127.0.0.1", false},
		{"192.168.1.1", false},
		{"[::1]", false},
		{"[fe80::1%25eth0]", false},
		{"[::ffff:10.1.1.1]", false},
		{"192.0.2.1", true},
		{"[2001:db8::1]", true},
		{"inside.example", false},
		{"both.example", true},
		{"outside.example", true},
		{"none.example", true},
		{"unknown.example", true},
		{"srv:inside.example", false}, // a server of a service is looked up by its own name
		{"srv:outside.example", true},
	} {
		t.Run(tt.host, func(t *testing.T) {
			host, isServer := strings.CutPrefix(tt.host, "srv:")
			to, err := Parse("http://" + host + "/")
			if err != nil {
				t.Fatal(err)
			}
			if isServer {
				to.name = "both.example"
			}
			d := &Dialer{LookupIP: lookup, timeout: dialTime}
			if d.proxied(t.Context(), to) {
				t.Error("through a proxy that there is not")
			}
			d.proxy = proxyAt(to)
			if got := d.proxied(t.Context(), to); got != tt.want {
				t.Errorf("through the proxy: %t, want %t", got, tt.want)
			}
			d.forLocal = true
			if !d.proxied(t.Context(), to) {
				t.Error("for_local, and not through the proxy")
			}
		})
	}
}

// A talk is both sides of a connection: it answers what it is told and keeps what it was asked.
type talk struct {
	io.Reader
	asked bytes.Buffer
}

func (c *talk) Write(b []byte) (int, error) { return c.asked.Write(b) }

func TestTunnel(t *testing.T) {
	proxy := proxyAt(&Address{user: "u", password: "p"})
	to, _ := Parse("https://a.example/x")
	for _, tt := range []struct {
		name, reply string
		ok          bool
	}{
		{"1.0", "HTTP/1.0 200 Connection established\r\n\r\n", true},
		{"1.1 with fields", "HTTP/1.1 200 OK\r\nVia: 1.1 x\r\nProxy-Agent: y\r\n\r\n", true},
		{"no reason", "HTTP/1.1 200\r\n\r\n", true},
		{"refused", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", false},
		{"nothing", "", false},
		{"cut", "HTTP/1.1 200 OK\r\n", false},
		{"not HTTP", "SSH-2.0-x\r\n\r\n", false},
		{"endless", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<14), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rest := "after"
			c := &talk{Reader: strings.NewReader(tt.reply + rest)}
			if !tt.ok {
				c.Reader = strings.NewReader(tt.reply)
			}
			err := proxy.tunnel(c, to)
			if (err == nil) != tt.ok {
				t.Fatalf("%v, want success: %t", err, tt.ok)
			}
			const want = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
			if got := c.asked.String(); got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
			if left, _ := io.ReadAll(c); tt.ok && string(left) != rest {
				t.Errorf("left for TLS %q, want %q", left, rest)
			}
		})
	}
}

// Real sockets: plain and TLS, directly and through a proxy that knows absolute-form and CONNECT.
func TestDial(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello from "+r.Host) })
	plain, secure := httptest.NewServer(hello), httptest.NewTLSServer(hello)
	defer plain.Close()
	defer secure.Close()
	proxy := newProxy(t)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	for _, tt := range []struct {
		name, to string
		forLocal bool
		asked    string // what the proxy was asked
	}{
		{"plain", plain.URL, false, ""},
		{"TLS", secure.URL, false, ""},
		{"plain through the proxy", plain.URL, true, "GET " + plain.URL + "/x"},
		{"TLS through the proxy", secure.URL, true, "CONNECT " + strings.TrimPrefix(secure.URL, "https://")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := NewDialer(DialerOptions{Proxy: proxy.url, ForLocal: tt.forLocal})
			if err != nil {
				t.Fatal(err)
			}
			d.tls.RootCAs = roots
			to, err := Parse(tt.to + "/x")
			if err != nil {
				t.Fatal(err)
			}
			l, err := d.dial(t.Context(), to, scopeHost)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r := request{to: to, proxy: l.proxy, via: "test", guid: NewGUID()}
			l.Write(r.append(nil))
			reply, body, err := readReply(l)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(body)
			if want := "hello from " + to.host; reply.status != 200 || string(got) != want {
				t.Errorf("%d %q, want 200 %q", reply.status, got, want)
			}
			select {
			case asked := <-proxy.asked:
				if asked != tt.asked+" Basic dTpw" {
					t.Errorf("proxy was asked %q, want %q with credentials", asked, tt.asked)
				}
			default:
				if tt.asked != "" {
					t.Errorf("proxy was not asked")
				}
			}
		})
	}
}

func TestDialChecksCertificate(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	d, err := NewDialer(DialerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	to, err := Parse(secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.dial(t.Context(), to, scopeHost)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("%v, want one about the certificate", err)
	}
}

// A handshake that never comes ends with the context.
func TestDialStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ours, theirs := net.Pipe()
	defer theirs.Close()
	d, err := NewDialer(DialerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.timeout = time.Hour
	d.Connect = func(context.Context, string, func(netip.Addr) error) (net.Conn, error) { return ours, nil }
	to, _ := Parse("https://a.example/")
	go func() {
		io.ReadFull(theirs, make([]byte, 1)) // the ClientHello has begun
		cancel()
	}()
	if _, err := d.dial(ctx, to, scopeHost); err == nil {
		t.Error("connected to somebody who says nothing")
	}
}

// A testProxy forwards absolute-form requests and CONNECT and tells what it was asked.
type testProxy struct {
	url   string
	asked chan string
}

func newProxy(t *testing.T) *testProxy {
	p := &testProxy{asked: make(chan string, 10)}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	u.User = url.UserPassword("u", "p")
	p.url = u.String()
	return p
}

func (p *testProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.URL.String()
	if r.Method == http.MethodConnect {
		target = r.URL.Host
	}
	p.asked <- r.Method + " " + target + " " + r.Header.Get("Proxy-Authorization")
	there, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	if r.Method != http.MethodConnect {
		r.Header.Del("Proxy-Authorization")
		r.Write(there)
		resp, err := http.ReadResponse(bufio.NewReader(there), r)
		if err == nil {
			io.Copy(w, resp.Body)
		}
		return
	}
	here, buffered, _ := w.(http.Hijacker).Hijack()
	defer here.Close()
	io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(there, buffered)
		there.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(here, there)
}
