package server

import (
	"fmt"
	"io"
	"net/netip"
)

// Announce prints, once the server listens, what a person at the terminal wants to know: where to look and where to
// push.
func (s *Server) Announce(w io.Writer) {
	<-s.ready
	var entries []entry
	if len(s.addrs) > 0 {
		entries = append(entries, entry{"mmsh", "http", "http", hostOf(s.addrs[0])})
	}
	if len(s.tlsAddrs) > 0 {
		entries = append(entries, entry{"https", "mmshs", "https", hostOf(s.tlsAddrs[0])})
	}
	show := ""
	for _, st := range s.reg.streams {
		name := st.cfg.Title
		if name == "" {
			name = st.cfg.Path
		}
		fmt.Fprintln(w, name)
		for _, e := range entries {
			fmt.Fprintf(w, "  watch  %s://%s/streams/%s   (or %s://…)\n", e.scheme, e.host, st.cfg.Path, e.other)
		}
		switch st.cfg.Type {
		case typePush:
			for _, e := range entries {
				fmt.Fprintf(w, "  push   %s://%s/streams/%s_push\n", e.push, e.host, st.cfg.Path)
			}
		case typeFile:
			if show == "" {
				show = st.cfg.Path
			}
		}
	}
	if a := s.AdminAddr(); a.IsValid() {
		fmt.Fprintf(w, "Status\n  http://%s/\n", hostOf(a))
	}
	if show != "" {
		fmt.Fprintf(w, "Try it:\n  ffplay %s://%s/streams/%s\n", entries[0].scheme, entries[0].host, show)
	}
}

// An entry is a way in: the scheme that most players know, another for the same, that for encoders, and host and port.
type entry struct{ scheme, other, push, host string }

// hostOf gives an address that a program on this machine can connect to.
func hostOf(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d", a.Port())
	}
	return a.String()
}
