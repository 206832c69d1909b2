package server

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

func TestParseUpstream(t *testing.T) {
	for _, tt := range []struct {
		raw    string
		want   upstream
		text   string // what logs show
		refuse bool
	}{
		{raw: "http://a.example/x", want: upstream{addr: "a.example:80", name: "a.example", host: "a.example:80", target: "/x"}, text: "http://a.example:80/x"},
		{raw: "mmsh://127.0.0.1:7070/", want: upstream{addr: "127.0.0.1:7070", name: "127.0.0.1", host: "127.0.0.1:7070", target: "/"}, text: "http://127.0.0.1:7070/"},
		{raw: "mms://a.example", want: upstream{addr: "a.example:80", name: "a.example", host: "a.example:80", target: "/"}, text: "http://a.example:80/"},
		{raw: "MMSH://a.example/X y?b=c#d", want: upstream{addr: "a.example:80", name: "a.example", host: "a.example:80", target: "/X%20y?b=c"}, text: "http://a.example:80/X%20y?…"},
		{raw: "https://u:p%40:q@a.example/x", want: upstream{secure: true, addr: "a.example:443", name: "a.example", host: "a.example:443", target: "/x", user: "u", password: "p@:q"}, text: "https://a.example:443/x"},
		{raw: "mmshs://[::1]:8089/x", want: upstream{secure: true, addr: "[::1]:8089", name: "::1", host: "[::1]:8089", target: "/x"}, text: "https://[::1]:8089/x"},
		{raw: "mmsh://[fe80::1%25eth0]/x", want: upstream{addr: "[fe80::1%eth0]:80", name: "fe80::1", host: "[fe80::1]:80", target: "/x"}, text: "http://[fe80::1]:80/x"},
		{raw: "", refuse: true},
		{raw: "a.example/x", refuse: true},
		{raw: "rtsp://a.example/x", refuse: true},
		{raw: "http:///x", refuse: true},
		{raw: "http://a.example:port/x", refuse: true},
		{raw: "http://a.example/x?a b", refuse: true},
		{raw: "http://a.example/x\r\nPragma: y", refuse: true},
	} {
		t.Run(tt.raw, func(t *testing.T) {
			got, err := parseUpstream(tt.raw)
			if tt.refuse {
				if err == nil {
					t.Fatalf("got %+v, want an error", *got)
				}
				return
			}
			if err != nil || *got != tt.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if got.String() != tt.text {
				t.Errorf("in logs %q, want %q", got, tt.text)
			}
		})
	}
}

func TestParseUpstreamHidesPassword(t *testing.T) {
	for _, raw := range []string{"rtsp://u:secret@a.example/x", "http://u:secret@a.example:port/x", "http://u:secret@/x"} {
		if _, err := parseUpstream(raw); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want an error without the password", raw, err)
		}
	}
}

func TestUpstreamRedirect(t *testing.T) {
	const from = "http://u:p@a.example:81/dir/x?y"
	for _, tt := range []struct {
		location string
		want     string // "" is an error
		user     string
	}{
		{"http://b.example/z", "http://b.example:80/z", ""},
		{"mmsh://b.example:8086/z", "http://b.example:8086/z", ""},
		{"mmshs://b.example/z", "https://b.example:443/z", ""},
		{"//b.example/z", "http://b.example:80/z", ""},
		{"/z", "http://a.example:81/z", "u"},
		{"z", "http://a.example:81/dir/z", "u"},
		{"?z", "http://a.example:81/dir/x?z", "u"},
		{"http://a.example:81/z", "http://a.example:81/z", "u"},
		{"https://a.example:81/z", "https://a.example:81/z", ""},
		{"http://v:q@b.example/z", "http://b.example:80/z", "v"},
		{"", "http://a.example:81/dir/x?y", "u"},
		{"ftp://b.example/z", "", ""},
		{"http://[b.example/z", "", ""},
		{"http:///z", "", ""},
	} {
		t.Run(tt.location, func(t *testing.T) {
			up, err := parseUpstream(from)
			if err != nil {
				t.Fatal(err)
			}
			to, err := up.redirect(tt.location)
			if tt.want == "" {
				if err == nil {
					t.Errorf("to %v, want an error", to)
				}
				return
			}
			if err != nil || to.absolute() != tt.want || to.user != tt.user {
				t.Errorf("to %+v, %v, want %s as user %q", to, err, tt.want, tt.user)
			}
		})
	}
}

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
	} {
		t.Run(tt.host, func(t *testing.T) {
			to, err := parseUpstream("http://" + tt.host + "/")
			if err != nil {
				t.Fatal(err)
			}
			d := &dialer{lookup: lookup}
			if d.proxied(t.Context(), to) {
				t.Error("through a proxy that there is not")
			}
			d.proxy = to
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
	proxy := &upstream{user: "u", password: "p"}
	to, _ := parseUpstream("https://a.example/x")
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
			err := tunnel(c, to, proxy)
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
			d, err := newDialer(ProxyConfig{URL: proxy.url, ForLocal: tt.forLocal}, 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			d.tls.RootCAs = roots
			to, err := parseUpstream(tt.to + "/x")
			if err != nil {
				t.Fatal(err)
			}
			l, err := d.dial(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r := pullRequest{to: to, proxy: l.proxy, via: "test", guid: newGUID()}
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
	d, err := newDialer(ProxyConfig{}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	to, err := parseUpstream(secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.dial(t.Context(), to)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("%v, want one about the certificate", err)
	}
}

// A handshake that never comes ends with the context.
func TestDialStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ours, theirs := net.Pipe()
	defer theirs.Close()
	d, err := newDialer(ProxyConfig{}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d.connect = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
	to, _ := parseUpstream("https://a.example/")
	go func() {
		io.ReadFull(theirs, make([]byte, 1)) // the ClientHello has begun
		cancel()
	}()
	if _, err := d.dial(ctx, to); err == nil {
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
