package server

import (
	"strings"
	"testing"
	"time"
)

// The sums that the RFCs print.
func TestDigestSumOfRFCs(t *testing.T) {
	for _, tt := range []struct {
		name, password, method string
		d                      digest
	}{
		{"RFC 2617 3.5", "Circle Of Life", "GET", digest{
			username: "Mufasa", realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			uri: "/dir/index.html", qop: "auth", nc: "00000001", cnonce: "0a4f113b",
			response: "6629fae49393a05397450978507c4ef1",
		}},
		{"RFC 7616 3.9.1", "Circle of Life", "GET", digest{
			username: "Mufasa", realm: "http-auth@example.org", nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			uri: "/dir/index.html", qop: "auth", nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			response: "8ca523f5e9506fed4657c9700eebdbec",
		}},
		{"RFC 2069 2.4 with its erratum, no qop", "CircleOfLife", "GET", digest{
			username: "Mufasa", realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			uri: "/dir/index.html", response: "1949323746fe6a43ef61f9606e7febea",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.d.sum(hashUser(tt.d.username, tt.d.realm, tt.password), tt.method); got != tt.d.response {
				t.Errorf("got %s, want %s", got, tt.d.response)
			}
		})
	}
}

func TestNonce(t *testing.T) {
	made := time.Unix(1_700_000_000, 0)
	nonce := newNonce(made)
	for _, tt := range []struct {
		name  string
		nonce string
		after time.Duration
		want  bool
	}{
		{"at once", nonce, 0, true},
		{"just inside its life", nonce, nonceLife - time.Second, true},
		{"too old", nonce, nonceLife, false},
		{"from the future", nonce, -time.Minute, false},
		{"upper case", strings.ToUpper(nonce), 0, true},
		{"time changed", "1" + nonce[1:], 0, false},
		{"signature changed", nonce[:len(nonce)-1] + string(nonce[len(nonce)-1]^1), 0, false},
		{"cut", nonce[:len(nonce)-2], 0, false},
		{"longer", nonce + "00", 0, false},
		{"only a time", nonce[:16], 0, false},
		{"not hex", strings.Repeat("x", len(nonce)), 0, false},
		{"empty", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := validNonce(tt.nonce, made.Add(tt.after)); got != tt.want {
				t.Errorf("validNonce(%q) %v later: %t, want %t", tt.nonce, tt.after, got, tt.want)
			}
		})
	}
}
