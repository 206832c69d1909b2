package auth

import "testing"

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
		{"RFC 7616 3.9.1, the newer algorithm", "Circle of Life", "GET", digest{
			username: "Mufasa", realm: "http-auth@example.org", nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			uri: "/dir/index.html", qop: "auth", nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			algorithm: "SHA-256", response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		}},
		{"RFC 2069 2.4 with its erratum, no qop", "CircleOfLife", "GET", digest{
			username: "Mufasa", realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			uri: "/dir/index.html", response: "1949323746fe6a43ef61f9606e7febea",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.d.sum(hashUser(tt.d.sums(), tt.d.username, tt.d.realm, tt.password), tt.method); got != tt.d.response {
				t.Errorf("got %s, want %s", got, tt.d.response)
			}
		})
	}
}
