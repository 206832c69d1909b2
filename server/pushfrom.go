package server

import "net/netip"

// admits says whether encoders at an address may push at all, with a password or without. Where nothing is configured
// only this machine may: that can be tried at once, and strangers on the Internet get no stream of their own.
func (a *pushAccess) admits(st *stream, from netip.Addr) bool {
	switch {
	case len(a.from[st.id]) > 0:
		return a.from[st.id].Contains(from)
	case len(a.users[st.id]) > 0:
		return true
	}
	return from.IsLoopback()
}
