package proxied

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pumpd/codec"
)

// Whom the headers of testdata/header name; "" is nobody.
var headerCaptures = map[string]string{
	"haproxy-v1-ipv4":   "127.0.0.7:40564",
	"haproxy-v1-ipv6":   "[::1]:59752",
	"haproxy-v1-mapped": "127.0.0.1:47860",
	"haproxy-v1-unix":   "",
	"haproxy-v2-check":  "",
	"haproxy-v2-ipv4":   "127.0.0.7:41958",
	"haproxy-v2-ipv6":   "[::1]:59136",
	"haproxy-v2-mapped": "127.0.0.1:58976",
	"haproxy-v2-tlvs":   "127.0.0.7:54556",
	"haproxy-v2-unix":   "",
	"nginx-v1-ipv4":     "127.0.0.7:48162",
	"nginx-v1-ipv6":     "[::1]:34062",
}

// Who the requests of testdata/request are from, where 127.0.0.1 is the proxy; * is somebody that it hides.
var requestCaptures = map[string]string{
	"haproxy-forwardfor":      "127.0.0.7:0",
	"haproxy-forwardfor-ipv6": "[::1]:0",
	"nginx-forwardfor":        "127.0.0.7:0",
	"nginx-forwarded":         "*", // the client has written the other field, which nginx passes on
	"nginx-forwarded-ipv6":    "*",
}

// captures are the files of a directory, which must be those of a table.
func captures(t testing.TB, dir string, table map[string]string) map[string][]byte {
	files, err := os.ReadDir(filepath.Join("testdata", dir))
	if err != nil || len(files) != len(table) {
		t.Errorf("testdata/%s: %d files, want %d (%v)", dir, len(files), len(table), err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join("testdata", dir, f.Name()))
		if _, known := table[f.Name()]; err != nil || !known {
			t.Errorf("testdata/%s/%s: no expectation (%v)", dir, f.Name(), err)
		}
		all[f.Name()] = b
	}
	return all
}

func TestCapturedHeaders(t *testing.T) {
	for name, b := range captures(t, "header", headerCaptures) {
		client, n, err := ParseHeader(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := show(client); got != headerCaptures[name] {
			t.Errorf("%s: %q, want %q", name, got, headerCaptures[name])
		}
		if rest := string(b[n:]); !strings.HasPrefix(rest, "GET /") && name != "haproxy-v2-check" {
			t.Errorf("%s: the request begins with %.20q", name, rest)
		}
	}
}

// show is an address, "" if it is none.
func show(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func TestCapturedRequests(t *testing.T) {
	trusted, err := ParseTrusted([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	proxy := Peer{At: netip.MustParseAddrPort("127.0.0.1:5")}
	for name, b := range captures(t, "request", requestCaptures) {
		var r codec.Request
		if _, err := codec.ParseRequest(b, 16<<10, &r); err != nil {
			t.Fatal(err)
		}
		p := trusted.Sender(proxy, &r)
		got := p.At.String()
		if p.Hidden {
			got = "*"
		}
		if got != requestCaptures[name] {
			t.Errorf("%s: %v, want %s", name, p, requestCaptures[name])
		}
	}
}
