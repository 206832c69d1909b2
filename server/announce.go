package server

import (
	"fmt"
	"io"
	"net/netip"
)

// Announce prints, once the server listens, what a person at the terminal wants to know: where to look and where to push.
func (s *Server) Announce(w io.Writer) {
	<-s.ready
	at := hostOf(s.addrs[0])
	show := ""
	for _, st := range s.reg.streams {
		name := st.cfg.Title
		if name == "" {
			name = st.cfg.Path
		}
		fmt.Fprintf(w, "%s\n  watch  mmsh://%s/streams/%s   (or http://…)\n", name, at, st.cfg.Path)
		switch st.cfg.Type {
		case typePush:
			fmt.Fprintf(w, "  push   http://%s/streams/%s_push\n", at, st.cfg.Path)
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
		fmt.Fprintf(w, "Try it:\n  ffplay mmsh://%s/streams/%s\n", at, show)
	}
}

// hostOf gives an address that a program on this machine can connect to.
func hostOf(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d", a.Port())
	}
	return a.String()
}
