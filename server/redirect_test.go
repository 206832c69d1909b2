package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// moved sends to another place.
func moved(to string) script {
	return func(c *call) { c.say(fmt.Appendf(nil, "HTTP/1.0 302 Found\r\nLocation: %s\r\n\r\n", to)) }
}

// Whom an upstream may send us to. Hosts without a zone have a public address.
func TestFollowRedirects(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rule  followRule
		from  string   // the URL of the configuration
		to    []string // where it redirects, and that one, and so on
		zone  map[string][]string
		asked int // how many connections there are; the last one's answer is good
		ok    bool
	}{
		{"public to public", followPublic, "http://a.example/", []string{"http://b.example/x"}, nil, 2, true},
		{"public is what an empty rule means", "", "http://a.example/", []string{"http://127.0.0.1/"}, nil, 1, false},
		{"to loopback", followPublic, "http://a.example/", []string{"http://127.0.0.1:8087/"}, nil, 1, false},
		{"to loopback in IPv6", followPublic, "http://a.example/", []string{"http://[::1]/"}, nil, 1, false},
		{"to loopback in IPv6's IPv4", followPublic, "http://a.example/", []string{"mmsh://[::ffff:127.0.0.1]/"}, nil, 1,
			false},
		{"to a private address", followPublic, "http://a.example/", []string{"http://192.168.1.1/"}, nil, 1, false},
		{"to a cloud's metadata", followPublic, "http://a.example/", []string{"http://169.254.169.254/latest/"}, nil, 1,
			false},
		{"to a name with a private address", followPublic, "http://a.example/", []string{"http://b.example/"},
			map[string][]string{"b.example": {"10.0.0.1"}}, 1, false},
		{"in two steps", followPublic, "http://a.example/", []string{"http://b.example/", "http://10.0.0.2/"}, nil, 2, false},
		{"by way of a private one", followPublic, "http://10.0.0.1/", []string{"http://b.example/", "http://10.0.0.2/"}, nil,
			2, false},
		{"its own name, rebound", followPublic, "http://a.example/", []string{"/x"},
			map[string][]string{"a.example": {"192.0.2.1", "127.0.0.1"}}, 1, false},
		{"its own name, rebound, to the same host", followSameHost, "http://a.example/", []string{"/x"},
			map[string][]string{"a.example": {"192.0.2.1", "127.0.0.1"}}, 1, false},
		{"private to private", followPublic, "http://10.0.0.1/", []string{"http://192.168.1.1/"}, nil, 2, true},
		{"private to public", followPublic, "http://10.0.0.1/", []string{"http://b.example/"}, nil, 2, true},
		{"private to loopback", followPublic, "http://10.0.0.1/", []string{"http://127.0.0.1/"}, nil, 1, false},
		{"private to link-local", followPublic, "http://10.0.0.1/", []string{"http://169.254.169.254/"}, nil, 1, false},
		{"loopback to loopback", followPublic, "http://127.0.0.1/", []string{"http://[::1]:81/"}, nil, 2, true},
		{"to itself", followSameHost, "http://a.example/", []string{"/x"}, nil, 2, true},
		{"to itself in capitals, another port", followSameHost, "http://a.example/", []string{"http://A.example.:81/x"}, nil,
			2, true},
		{"same host, another one", followSameHost, "http://a.example/", []string{"http://b.example/"}, nil, 1, false},
		{"any", followAny, "http://a.example/", []string{"http://127.0.0.1/"}, nil, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSceneOf(t, StreamConfig{URL: tt.from, FollowRedirects: tt.rule})
				if tt.zone != nil {
					s.zone = tt.zone
				}
				where := tt.from
				for _, to := range tt.to {
					s.script(where, moved(to))
					base, _ := parseUpstream(where)
					next, err := base.redirect(to)
					if err != nil {
						t.Fatal(err)
					}
					where = next.absolute()
				}
				s.script(where, wms([][]byte{fullOne}, orderlyEnd))
				err := s.once()
				if got := errors.Is(err, errFollow); got == tt.ok {
					t.Errorf("ended with %v", err)
				}
				if got := s.requests(); len(got) != tt.asked+map[bool]int{true: 1}[tt.ok] { // and its Play
					t.Errorf("asked %q, want %d", got, tt.asked)
				}
				if got := s.seen() != ""; got != tt.ok {
					t.Errorf("stream was fed: %t", got)
				}
			})
		})
	}
}

// script serves one URL, beside others of its host.
func (s *scene) script(url string, serve script) {
	to, err := parseUpstream(url)
	if err != nil {
		s.t.Fatal(err)
	}
	others := s.hosts[to.addr]
	s.hosts[to.addr] = func(c *call) {
		if strings.Fields(c.head)[1] == to.target || others == nil {
			serve(c)
		} else {
			others(c)
		}
	}
}

func TestFollowRedirectsFromTLS(t *testing.T) {
	from, _ := parseUpstream("https://a.example/")
	plain, _ := parseUpstream("http://a.example/")
	secure, _ := parseUpstream("mmshs://a.example:8089/")
	for _, tt := range []struct {
		rule followRule
		to   *upstream
		ok   bool
	}{
		{followPublic, plain, false},
		{followSameHost, plain, false},
		{followAny, plain, true},
		{followPublic, secure, true},
		{followSameHost, secure, true},
	} {
		if err := tt.rule.check(from, tt.to); (err == nil) != tt.ok || err != nil && !errors.Is(err, errFollow) {
			t.Errorf("%s, to %v: %v", tt.rule, tt.to, err)
		}
	}
	if err := followPublic.check(plain, from); err != nil {
		t.Errorf("to TLS: %v", err)
	}
}

// The credentials of a URL are shown where they were given for, and not where that redirects.
func TestFollowKeepsCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "http://zweiter:secret@a.example/")
		var heads []string
		s.hosts["a.example:80"] = func(c *call) {
			if heads = append(heads, c.head); !strings.Contains(c.head, "Authorization: Basic") {
				c.say([]byte("HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"))
				return
			}
			moved("http://b.example/")(c)
		}
		s.hosts["b.example:80"] = func(c *call) {
			heads = append(heads, c.head)
			c.say([]byte("HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"))
		}
		if err := s.once(); !errors.Is(err, errNoLogin) {
			t.Errorf("%v, want %v", err, errNoLogin)
		}
		if len(heads) != 3 || strings.Contains(heads[2], "Authorization") {
			t.Errorf("asked %q, want three times, and the third time without credentials", heads)
		}
	})
}

// Real sockets: what is dialled is checked and not what is looked up, and a name with one address that may be dialled
// is.
func TestConnectWithin(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	addr := web.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	c, err := connectWithin(t.Context(), addr, scopeHost)
	if err != nil {
		t.Fatal(err)
	}
	if got := remoteScope(c); got != scopeHost {
		t.Errorf("connected to something %v, want loopback", got)
	}
	c.Close()
	for _, to := range []string{addr, "localhost:" + port, "0.0.0.0:" + port, "[::ffff:127.0.0.1]:" + port} {
		if c, err := connectWithin(t.Context(), to, scopeLink); !errors.Is(err, errFollow) {
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
	proxy, _ := parseUpstream("http://10.0.0.9:3128")
	ours, theirs := net.Pipe()
	defer theirs.Close()
	d := &dialer{proxy: proxy, forLocal: true, lookup: lookup, timeout: dialTime,
		connect: func(_ context.Context, addr string, least scope) (net.Conn, error) {
			if addr != proxy.addr || least != scopeHost {
				t.Errorf("connects to %s, nothing nearer than %v, want the proxy", addr, least)
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
		to, _ := parseUpstream("http://" + tt.host + "/")
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

// A server of a service is an upstream like others: what it redirects to is checked by where it was found.
func TestFollowFromService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "srv:_mmsh._tcp.example.org/x")
		s.puller.dialer.services = at("a.example.:80")
		s.hosts["a.example:80"] = moved("http://127.0.0.1:8087/")
		if err := s.once(); !errors.Is(err, errFollow) {
			t.Errorf("%v, want %v", err, errFollow)
		}
		if got := s.requests(); !slices.Equal(got, []string{"a.example:80 describe"}) {
			t.Errorf("asked %q", got)
		}
	})
}
