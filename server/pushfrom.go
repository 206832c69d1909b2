package server

import "pumpd/server/stream"

// admits says whether an encoder may push by where it comes from, with a password or without. Where nothing is
// configured only this machine may: that can be tried at once, and strangers on the Internet get no stream of their
// own.
func (a *pushAccess) admits(st *stream.Stream, c *conn) bool {
	switch r := a.of(st); {
	case len(r.from) > 0:
		return r.from.Contains(c.listed())
	case len(r.users) > 0:
		return true
	}
	return c.local()
}
