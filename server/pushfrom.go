package server

import (
	"net/netip"

	"pumpd/server/stream"
)

// admits says whether encoders at an address may push at all, with a password or without. Where nothing is configured
// only this machine may: that can be tried at once, and strangers on the Internet get no stream of their own.
func (a *pushAccess) admits(st *stream.Stream, from netip.Addr) bool {
	switch {
	case len(a.from[st.ID()]) > 0:
		return a.from[st.ID()].Contains(from)
	case len(a.users[st.ID()]) > 0:
		return true
	}
	return from.IsLoopback()
}
