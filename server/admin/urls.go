package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// urlsOf is made for a host and port; "" where they are not known.
func urlsOf(st *stream.Stream, host string) (u urlReport) {
	if host == "" {
		return u
	}
	at := "://" + host + "/streams/" + st.Config().Path
	u.MMSH, u.HTTP, u.ASX = "mmsh"+at, "http"+at, "http"+at+".asx"
	if st.Config().Type == config.TypePush {
		u.Push = "http" + at + config.PushSuffix
	}
	return u
}

// host is where the first listener can be reached from where r comes from, with its port; empty while starting. Where
// the listener is on all addresses, that is the host by which r has found the admin. That is the requester's word, so
// it is taken only if it is an address or a name.
func (a *Admin) host(r *http.Request) string {
	all := a.listeners()
	if len(all) == 0 {
		return ""
	}
	first := all[0]
	if !first.Addr().IsUnspecified() {
		return first.String()
	}
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = strings.Trim(r.Host, "[]")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.WithZone("").String()
	} else if name == "" || !upstream.IsHost(name) {
		name = "localhost"
	}
	return net.JoinHostPort(name, strconv.Itoa(int(first.Port())))
}

// listeners are the server's addresses, none while starting.
func (a *Admin) listeners() []netip.AddrPort {
	select {
	case <-a.s.Ready:
		return a.s.Listeners()
	default:
		return nil
	}
}
