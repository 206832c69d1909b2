package server

import "net/netip"

// A wire is a connection as its conn sees it: what gnet gives, cut down to what is used, so that loops can be tested
// without sockets. All methods are for the conn's own loop.
type wire interface {
	// peek gives all that has come and is not discarded; valid until the callback that led here returns.
	peek() []byte
	discard(n int)
	// write sends a reply; what the socket does not take at once is kept and sent later. It may call the loop's closed
	// before it returns.
	write(b []byte)
	// try sends a and then b as far as the socket takes them at once, and keeps nothing of the rest; with TLS it takes no
	// more than a small piece, which may be kept. It returns the bytes taken: none while something is unsent.
	try(a, b []byte) int
	// unsent is how much of what was written is still kept.
	unsent() int
	// shut ends our side (FIN) once unsent is 0.
	shut()
	// close ends the connection now; the loop's closed is called before it returns. With abort the peer is sent a reset
	// and the kernel forgets what it still held for it.
	close(abort bool)
}

// An arrival is a new connection, as its loop gets it.
type arrival struct {
	wire   wire
	fd     int
	remote netip.AddrPort // an IPv4 one also where the socket is an IPv6 one
	guest  *guest         // of the gate; nil: it has an ordinary place
	front  *front         // nil: remote is no trusted proxy
}
