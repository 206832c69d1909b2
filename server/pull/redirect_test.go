package pull

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/upstream"
	"pumpd/server/upstream/upstreamtest"
)

const (
	public   = upstream.FollowPublic
	sameHost = upstream.FollowSameHost
	anywhere = upstream.FollowAny
)

const notAllowed = "follow_redirects does not allow it"

// moved sends to another place.
func moved(to string) script {
	return func(c *call) { c.say(fmt.Appendf(nil, "HTTP/1.0 302 Found\r\nLocation: %s\r\n\r\n", to)) }
}

// Whom an upstream may send us to. Hosts without a zone have a public address.
func TestFollowRedirects(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rule  upstream.FollowRule
		from  string   // the URL of the configuration
		to    []string // where it redirects, and that one, and so on
		zone  map[string][]string
		asked int // how many connections there are; the last one's answer is good
		ok    bool
	}{
		{"public to public", public, "http://a.example/", []string{"http://b.example/x"}, nil, 2, true},
		{"public is what an empty rule means", "", "http://a.example/", []string{"http://127.0.0.1/"}, nil, 1, false},
		{"to loopback", public, "http://a.example/", []string{"http://127.0.0.1:8087/"}, nil, 1, false},
		{"to loopback in IPv6", public, "http://a.example/", []string{"http://[::1]/"}, nil, 1, false},
		{"to loopback in IPv6's IPv4", public, "http://a.example/", []string{"mmsh://[::ffff:127.0.0.1]/"}, nil, 1,
			false},
		{"to a private address", public, "http://a.example/", []string{"http://192.168.1.1/"}, nil, 1, false},
		{"to a cloud's metadata", public, "http://a.example/", []string{"http://169.254.169.254/latest/"}, nil, 1,
			false},
		{"to a name with a private address", public, "http://a.example/", []string{"http://b.example/"},
			map[string][]string{"b.example": {"10.0.0.1"}}, 1, false},
		{"in two steps", public, "http://a.example/", []string{"http://b.example/", "http://10.0.0.2/"}, nil, 2, false},
		{"by way of a private one", public, "http://10.0.0.1/", []string{"http://b.example/", "http://10.0.0.2/"}, nil,
			2, false},
		{"its own name, rebound", public, "http://a.example/", []string{"/x"},
			map[string][]string{"a.example": {"192.0.2.1", "127.0.0.1"}}, 1, false},
		{"its own name, rebound, to the same host", sameHost, "http://a.example/", []string{"/x"},
			map[string][]string{"a.example": {"192.0.2.1", "127.0.0.1"}}, 1, false},
		{"private to private", public, "http://10.0.0.1/", []string{"http://192.168.1.1/"}, nil, 2, true},
		{"private to public", public, "http://10.0.0.1/", []string{"http://b.example/"}, nil, 2, true},
		{"private to loopback", public, "http://10.0.0.1/", []string{"http://127.0.0.1/"}, nil, 1, false},
		{"private to link-local", public, "http://10.0.0.1/", []string{"http://169.254.169.254/"}, nil, 1, false},
		{"loopback to loopback", public, "http://127.0.0.1/", []string{"http://[::1]:81/"}, nil, 2, true},
		{"to itself", sameHost, "http://a.example/", []string{"/x"}, nil, 2, true},
		{"to itself in capitals, another port", sameHost, "http://a.example/", []string{"http://A.example.:81/x"}, nil,
			2, true},
		{"same host, another one", sameHost, "http://a.example/", []string{"http://b.example/"}, nil, 1, false},
		{"any", anywhere, "http://a.example/", []string{"http://127.0.0.1/"}, nil, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSceneOf(t, config.Stream{URL: tt.from, FollowRedirects: tt.rule})
				if tt.zone != nil {
					s.zone = tt.zone
				}
				where, _ := url.Parse(tt.from)
				for _, to := range tt.to {
					s.script(where, moved(to))
					where, _ = where.Parse(to)
				}
				s.script(where, wms([][]byte{framed1}, orderlyEnd))
				err := s.once()
				if got := strings.Contains(fmt.Sprint(err), notAllowed); got == tt.ok {
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
func (s *scene) script(at *url.URL, serve script) {
	addr := net.JoinHostPort(at.Hostname(), cmp.Or(at.Port(), "80"))
	others := s.hosts[addr]
	s.hosts[addr] = func(c *call) {
		if strings.Fields(c.head)[1] == at.RequestURI() || others == nil {
			serve(c)
		} else {
			others(c)
		}
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
		if err := s.once(); !errors.Is(err, auth.ErrNoLogin) {
			t.Errorf("%v, want %v", err, auth.ErrNoLogin)
		}
		if len(heads) != 3 || strings.Contains(heads[2], "Authorization") {
			t.Errorf("asked %q, want three times, and the third time without credentials", heads)
		}
	})
}

// A server of a service is an upstream like others: what it redirects to is checked by where it was found.
func TestFollowFromService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "srv:_mmsh._tcp.example.org/x")
		s.puller.Dialer.LookupSRV = upstreamtest.Service("a.example.:80")
		s.hosts["a.example:80"] = moved("http://127.0.0.1:8087/")
		if err := s.once(); err == nil || !strings.Contains(err.Error(), notAllowed) {
			t.Errorf("%v, want %s", err, notAllowed)
		}
		if got := s.requests(); !slices.Equal(got, []string{"a.example:80 describe"}) {
			t.Errorf("asked %q", got)
		}
	})
}
