package server

import (
	"net/netip"
)

// Which encoders may push to a stream, as far as that is not a matter of passwords: by their address, and by having
// been there before others. A stream on the Internet that takes any push is a free one for strangers.

// admits says whether encoders at an address may push at all. Where nothing is configured that is this machine: to be
// tried at once, and closed to the Internet.
func (a *pushAccess) admits(st *stream, from netip.Addr) bool {
	switch {
	case len(a.from[st.id]) > 0:
		return a.from[st.id].contains(from)
	case len(a.users[st.id]) > 0:
		return true
	}
	return from.IsLoopback()
}
