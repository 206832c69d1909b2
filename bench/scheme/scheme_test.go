package scheme

import (
	"net/url"
	"testing"
)

func TestSchemes(t *testing.T) {
	for _, c := range []struct {
		url  string
		want Scheme
		ok   bool
		host string
	}{
		{"mmsh://a/x", Scheme{MMSH: true}, true, "a:80"},
		{"mms://a:1755/x", Scheme{MMSH: true}, true, "a:1755"},
		{"mmshs://a/x", Scheme{MMSH: true, TLS: true}, true, "a:443"},
		{"http://[::1]/x", Scheme{}, true, "[::1]:80"},
		{"https://a/x", Scheme{TLS: true}, true, "a:443"},
		{"https://a:80/x", Scheme{TLS: true}, true, "a:80"},
		{"icecast://a/x", Scheme{}, false, "a:80"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := Of(u); s != c.want || ok != c.ok {
			t.Errorf("%s: got %+v, %v, want %+v, %v", c.url, s, ok, c.want, c.ok)
		}
		if got := HostPort(u); got != c.host {
			t.Errorf("%s: host %q, want %q", c.url, got, c.host)
		}
	}
}
