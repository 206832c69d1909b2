package upstream

import (
	"net/netip"
	"testing"
)

func TestScopeOf(t *testing.T) {
	for _, tt := range []struct {
		want  scope
		addrs []string
	}{
		{scopeHost, []string{"127.0.0.1", "127.255.255.255", "::1", "0.0.0.0", "0.1.2.3", "::", "::ffff:127.0.0.1",
			"224.0.0.1",
			"ff02::1", "255.255.255.255", "64:ff9b::7f00:1", "2002:7f00:1::1", "::127.0.0.1", "64:ff9b:1::7f00:1"}},
		{scopeLink, []string{"169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1", "64:ff9b::a9fe:a9fe"}},
		{scopeSite, []string{"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
			"fd00:ec2::254", "fc00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:c0a8:101::1", "192.0.0.8"}},
		{scopePublic, []string{"192.0.2.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "64:ff9b::808:808",
			"2002:808:808::1", "::ffff:8.8.8.8", "169.253.0.1", "126.0.0.1", "128.0.0.1", "11.0.0.0"}},
	} {
		for _, a := range tt.addrs {
			if got := scopeOf(netip.MustParseAddr(a)); got != tt.want {
				t.Errorf("%s is %v, want %v", a, got, tt.want)
			}
		}
	}
	if got := scopeOf(netip.Addr{}); got != scopeHost {
		t.Errorf("no address is %v, want the scope that nobody is sent to", got)
	}
}
