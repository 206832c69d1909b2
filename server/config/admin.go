package config

import (
	"strings"

	"pumpd/server/upstream"
)

// checkAdmin is about the keys of [server] that are for the admin, other than its address.
func (f *document) checkAdmin(c *Config) {
	f.checkUsers("server.admin_users", c.Server.AdminUsers)
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

func streamOf(streams []Stream, path string) *Stream {
	for i := range streams {
		if strings.EqualFold(streams[i].Path, path) {
			return &streams[i]
		}
	}
	return nil
}
