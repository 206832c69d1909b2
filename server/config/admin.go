package config

import (
	"net"
	"net/netip"
	"strings"

	"pumpd/server/upstream"
)

// checkAdmin is about the keys of [server] that are for the admin, other than its address.
func (f *document) checkAdmin(c *Config) {
	f.checkUsers("server.admin_users", c.Server.AdminUsers)
	f.checkAdminTLS(c)
	for i, name := range c.Server.AdminHosts {
		if name == "" || !upstream.IsHost(name) {
			f.wrong(Item("server.admin_hosts", i), `%.200q, want a name such as "pump.example", without a port`, name)
		}
	}
	for i, path := range c.Server.ReadyStreams {
		key := Item("server.ready_streams", i)
		switch st := streamOf(c.Streams, path); {
		case st == nil:
			f.wrong(key, "%.200q, want the path of a stream", path)
		case !st.Enabled:
			f.wrong(key, "%.200q, that stream is switched off (enabled = false)", path)
		}
	}
}

// checkAdminTLS wants a certificate where one is needed, and warns of passwords that others can listen in on.
func (f *document) checkAdminTLS(c *Config) {
	switch s := &c.Server; {
	case s.AdminTLS && len(c.TLS.Certificates) == 0:
		f.wrong("server.admin_tls", "true, but there is no certificate: want at least one in tls.certificates")
	case !s.AdminTLS && s.Admin != "" && len(s.AdminUsers) > 0 && !isLoopback(s.Admin):
		f.warn("server.admin_users", "passwords cross the network in the clear, for admin is %q: "+
			"admin_tls = true, or a proxy with TLS before one that listens on 127.0.0.1, keeps them secret", s.Admin)
	}
}

// isLoopback says whether an address to listen on is reached from this machine only.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.IsLoopback()
}

func streamOf(streams []Stream, path string) *Stream {
	for i := range streams {
		if strings.EqualFold(streams[i].Path, path) {
			return &streams[i]
		}
	}
	return nil
}
