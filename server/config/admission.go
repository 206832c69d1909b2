package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"pumpd/server/upstream"
)

const (
	minBandwidth = 4e3  // bit/s: no stream that can be heard has less
	maxBitrate   = 10e9 // bit/s of streams.bitrate
	maxSession   = 30 * 24 * time.Hour
	maxSiblings  = 16
)

// checkAdmission is about the keys that say how much the pump may be asked for. A limit that nobody could pass is a
// mistake: who wants nobody has enabled = false.
func (f *document) checkAdmission(c *Config) {
	s := &c.Server
	f.count("server.max_viewers", s.MaxViewers, maxConnections)
	f.count("server.max_per_ip", s.MaxPerIP, maxConnections)
	f.count("server.ready_headroom", s.ReadyHeadroom, maxConnections)
	if s.MaxViewers > 0 && s.ReadyHeadroom > s.MaxViewers {
		f.wrong("server.ready_headroom", "%d, want at most max_viewers, %d: it would never be ready", s.ReadyHeadroom,
			s.MaxViewers)
	}
	if s.MaxSession != 0 {
		f.between("server.max_session", s.MaxSession, 10*time.Second, maxSession)
	}
	f.atLeast("server.max_bandwidth", s.MaxBandwidth, minBandwidth)
	f.atLeast("server.uplink", s.Uplink.Rate, minBandwidth)
	for i := range c.Streams {
		f.checkStreamAdmission(Item("streams", i), &c.Streams[i], s)
	}
	f.checkSiblings(c)
}

func (f *document) checkStreamAdmission(name string, s *Stream, server *Server) {
	f.count(name+".max_viewers", s.MaxViewers, maxConnections)
	f.atLeast(name+".max_bandwidth", s.MaxBandwidth, minBandwidth)
	f.atLeast(name+".bitrate", s.Bitrate, 1e3)
	if s.Bitrate > maxBitrate {
		f.wrong(name+".bitrate", "%s, want at most %s", s.Bitrate, Bandwidth(maxBitrate))
	}
	if !s.Enabled || s.Bitrate == 0 {
		return
	}
	viewer := fmt.Sprintf("one viewer of %s takes: bitrate is %s (line %d)", name, s.Bitrate, f.line(name+".bitrate"))
	pass := func(key string, limit Bandwidth, kept ...Share) {
		left := limit
		for _, k := range kept {
			left -= Bandwidth(k.Of(int64(left)))
		}
		switch {
		case limit == 0 || left >= s.Bitrate:
		case left < limit:
			f.wrong(key, "%s, of which %s are not kept free, is less than %s", limit, left, viewer)
		default:
			f.wrong(key, "%s is less than %s", limit, viewer)
		}
	}
	pass(name+".max_bandwidth", s.MaxBandwidth, server.RelayShare)
	pass("server.max_bandwidth", server.MaxBandwidth, server.RelayShare)
	pass("server.uplink", server.Uplink.Rate, server.UplinkReserve, server.RelayShare)
}

func (f *document) atLeast(key string, b, low Bandwidth) {
	if b != 0 && b < low {
		f.wrong(key, `%s, want at least %s, or "" for none`, b, low)
	}
}

// checkSiblings wants other servers, each once. The path is that of the stream.
func (f *document) checkSiblings(c *Config) {
	known := map[string]string{}
	if n := len(c.Server.Siblings); n > maxSiblings {
		f.wrong("server.siblings", "%d URLs, want at most %d", n, maxSiblings)
	}
	for i, s := range c.Server.Siblings {
		key := Item("server.siblings", i)
		u := f.url(key, s, "mmsh", "http", "https", "mmshs")
		switch {
		case u == nil:
			continue
		case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			f.wrong(key, "%.200q, want nothing but a host and a port after %s://: the path is the stream's",
				upstream.Redacted(s), u.Scheme)
			continue
		}
		at := HostPort(u)
		if before, twice := known[at]; twice {
			f.wrong(key, "%.200q, is the same as %s", s, before)
		}
		known[at] = key
		if c.isOurs(u) {
			f.wrong(key, "%.200q, is this server itself, want others", s)
		}
	}
}

// HostPort is where a URL points to, in lower case and always with a port.
func HostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https" || u.Scheme == "mmshs":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// isOurs says whether a URL is one of a listener of ours, as far as can be told without asking DNS.
func (c *Config) isOurs(u *url.URL) bool {
	host, port, _ := net.SplitHostPort(HostPort(u))
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return slices.ContainsFunc(slices.Concat(c.Server.Listen, c.TLS.Listen), func(addr string) bool {
		on, at, err := net.SplitHostPort(addr)
		return err == nil && at == port && (strings.EqualFold(on, host) || covers(on, host) && c.isThisMachine(host))
	})
}

// isThisMachine knows the machine's name and addresses, and the names that its admin may be asked by.
func (c *Config) isThisMachine(host string) bool {
	names := slices.Clone(c.Server.AdminHosts)
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ours, _ := net.InterfaceAddrs() // none where they cannot be had
	return a.IsLoopback() || a.IsUnspecified() || slices.ContainsFunc(ours, func(of net.Addr) bool {
		p, err := netip.ParsePrefix(of.String())
		return err == nil && p.Addr() == a.Unmap()
	})
}
