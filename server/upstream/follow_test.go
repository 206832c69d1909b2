package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestFollowRedirectsFromTLS(t *testing.T) {
	from, _ := Parse("https://a.example/")
	plain, _ := Parse("http://a.example/")
	secure, _ := Parse("mmshs://a.example:8089/")
	for _, tt := range []struct {
		rule FollowRule
		to   *Address
		ok   bool
	}{
		{FollowPublic, plain, false},
		{FollowSameHost, plain, false},
		{FollowAny, plain, true},
		{FollowPublic, secure, true},
		{FollowSameHost, secure, true},
	} {
		if err := tt.rule.check(from, tt.to); (err == nil) != tt.ok || err != nil && !errors.Is(err, errFollow) {
			t.Errorf("%s, to %v: %v", tt.rule, tt.to, err)
		}
	}
	if err := FollowPublic.check(plain, from); err != nil {
		t.Errorf("to TLS: %v", err)
	}
}

// Real sockets: what is dialled is checked and not what is looked up, and a name with one address that may be dialled
// is.
func TestConnectAllowed(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	addr := web.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	c, err := connectAllowed(t.Context(), addr, scopeHost.admits)
	if err != nil {
		t.Fatal(err)
	}
	if got := remoteScope(c); got != scopeHost {
		t.Errorf("connected to something %v, want loopback", got)
	}
	c.Close()
	for _, to := range []string{addr, "localhost:" + port, "0.0.0.0:" + port, "[::ffff:127.0.0.1]:" + port} {
		if c, err := connectAllowed(t.Context(), to, scopeLink.admits); !errors.Is(err, errFollow) {
			t.Errorf("%s: %v %v, want %v", to, c, err, errFollow)
		}
	}
}

// Through a proxy the addresses that we find ourselves are checked.
func TestFollowThroughProxy(t *testing.T) {
	zone := map[string][]string{"inside.example": {"10.0.0.1"}, "outside.example": {"192.0.2.1"},
		"mixed.example": {"192.0.2.1", "10.0.0.1"}}
	lookup := func(_ context.Context, _, host string) (list []netip.Addr, err error) {
		for _, a := range zone[host] {
			list = append(list, netip.MustParseAddr(a))
		}
		if list == nil {
			err = &net.DNSError{Name: host, IsNotFound: true}
		}
		return list, err
	}
	proxy, _ := Parse("http://10.0.0.9:3128")
	ours, theirs := net.Pipe()
	defer theirs.Close()
	d := &Dialer{proxy: proxyAt(proxy), forLocal: true, LookupIP: lookup, timeout: dialTime,
		Connect: func(_ context.Context, addr string, allow func(netip.Addr) error) (net.Conn, error) {
			if err := allow(netip.MustParseAddr("127.0.0.1")); addr != proxy.addr || err != nil {
				t.Errorf("connects to %s, %v; want the proxy, wherever it is", addr, err)
			}
			return ours, nil
		}}
	for _, tt := range []struct {
		host  string
		ok    bool
		reach scope
	}{
		{"outside.example", true, scopePublic},
		{"unknown.example", true, scopePublic},
		{"inside.example", false, scopeSite},
		{"mixed.example", false, scopePublic},
		{"127.0.0.1", false, scopeHost},
	} {
		to, _ := Parse("http://" + tt.host + "/")
		if _, err := d.dial(t.Context(), to, scopePublic); (err == nil) != tt.ok || !tt.ok && !errors.Is(err, errFollow) {
			t.Errorf("%s: %v", tt.host, err)
		}
		l, err := d.dial(t.Context(), to, scopeHost)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.reach(t.Context(), l, to); got != tt.reach {
			t.Errorf("%s reaches %v, want %v", tt.host, got, tt.reach)
		}
	}
}
