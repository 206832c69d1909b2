package admin

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"

	"pumpd/server/config"
	"pumpd/server/stream"
)

// Announce prints to w what a person at the terminal wants to know of a pump that listens: the URLs to watch and to
// push to, and of the status page. plain and secure are its addresses without and with TLS, page is the URL of its
// status page, "" where there is none. It writes once, so that no line of the log comes between.
func Announce(to io.Writer, streams []*stream.Stream, plain, secure []netip.AddrPort, page string) {
	w := &bytes.Buffer{}
	var entries []entry
	if len(plain) > 0 {
		entries = append(entries, entry{"mmsh", "http", "http", hostOf(plain[0])})
	}
	if len(secure) > 0 {
		entries = append(entries, entry{"https", "mmshs", "https", hostOf(secure[0])})
	}
	show := ""
	for _, st := range streams {
		fmt.Fprintln(w, st.Config().Heading())
		for _, e := range entries {
			fmt.Fprintf(w, "  watch  %s://%s/streams/%s   (or %s://…)\n", e.scheme, e.host, st.Config().Path, e.other)
		}
		switch st.Config().Type {
		case config.TypePush:
			for _, e := range entries {
				fmt.Fprintf(w, "  push   %s://%s/streams/%s_push\n", e.push, e.host, st.Config().Path)
			}
		case config.TypeFile:
			if show == "" {
				show = st.Config().Path
			}
		}
	}
	if page != "" {
		fmt.Fprintf(w, "Status\n  %s\n", page)
	}
	if show != "" {
		fmt.Fprintf(w, "Try it:\n  ffplay %s://%s/streams/%s\n", entries[0].scheme, entries[0].host, show)
	}
	to.Write(w.Bytes()) // nobody may be there to read it
}

// An entry is how one of the listeners is reached: the scheme that most players know, another that means the same, the
// one for encoders, and host and port.
type entry struct{ scheme, other, push, host string }

// hostOf gives an address that a program on this machine can connect to.
func hostOf(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d", a.Port())
	}
	return a.String()
}
