package config

import (
	"fmt"
	"time"

	"pumpd/server/upstream"
)

const (
	minBandwidth = 4e3  // bit/s: no stream that can be heard has less
	maxBitrate   = 10e9 // bit/s of streams.bitrate
	minSession   = Duration(10 * time.Second)
	maxSession   = Duration(30 * 24 * time.Hour)
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
	if d := s.MaxSession; d != 0 && (d < minSession || d > maxSession) {
		f.wrong("server.max_session", `%s, want %s to %s, or "0s" for ever`, d, minSession, maxSession)
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
		if c.listenerAt(u) != "" {
			f.wrong(key, "%.200q, is this server itself, want others", s)
		}
	}
}
