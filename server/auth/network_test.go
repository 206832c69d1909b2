package auth

import (
	"net/netip"
	"testing"
)

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := NetworkOf(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s is of %v, want %s", addr, got, want)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"::ffff:192.0.2.7", "192.0.2.7/32"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"::/0", "::/0"},
		{"::ffff:0.0.0.0/0", "::/0"},
		{"", ""}, {"*", ""}, {"localhost", ""}, {"10.0.0.0/33", ""}, {"10.0.0/8", ""}, {"10.0.0.0/", ""},
		{"fe80::1%eth0", ""},
		{"fe80::%eth0/10", ""}, {"10.0.0.1:80", ""}, {" 10.0.0.1", ""}, {"10.0.0.0-10.0.0.9", ""},
	} {
		got, err := ParseNetwork(c.text)
		if c.want == "" && err == nil || c.want != "" && (err != nil || got.String() != c.want) {
			t.Errorf("%q: %v, %v, want %q", c.text, got, err, c.want)
		}
	}
}
