package server

import (
	"net/netip"

	"pumpd/server/stream"
)

// admits says whether encoders at an address may push at all, with a password or without. Where nothing is configured
// only this machine may: that can be tried at once, and strangers on the Internet get no stream of their own.
func (a *pushAccess) admits(st *stream.Stream, from netip.Addr) bool {
	switch r := a.of(st); {
	case len(r.from) > 0:
		return r.from.Contains(from)
	case len(r.users) > 0:
		return true
	}
	return from.IsLoopback()
}
