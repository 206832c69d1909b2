package admission

import (
	"cmp"

	"pumpd/server/clock"
)

// A Class is what of a viewer makes a difference to what it costs or may have.
type Class uint8

const (
	Padded Class = 1 << iota // it gets full packets, padding and all
	IPv6
	TLS
	Relay // it is a server that passes the stream on

	classes = 1 << iota // how many there are
)

// An account is one stream's part of the ledger.
type account struct {
	limits   StreamLimits
	declared int64 // bit/s by the header; 0: it does not say
	packet   int   // bytes of a full packet, by the header; 0: there was none
	measured meter

	cost    [classes]usage // of one viewer
	count   Counts
	all     usage
	relays  usage // of all
	refused [Causes]uint64
	known   bool  // SetStream was called, and Forget was not since
	never   Cause // what no viewer could pass, see Measure
}

func newAccount() *account {
	a := &account{}
	a.reckon()
	return a
}

// declare notes what a new header says. What was measured was another stream.
func (a *account) declare(bits int64, packet int) {
	a.declared, a.packet = bits, packet
	a.measured.restart()
}

// rate is what a viewer gets, in bit/s of packets: what is configured, or else what is declared or was measured,
// whichever is more.
func (a *account) rate() int64 {
	if a.limits.Bitrate > 0 {
		return a.limits.Bitrate
	}
	return max(a.declared, a.measured.bits())
}

// reckon has a's viewers cost what the stream costs now.
func (a *account) reckon() {
	bits := a.rate()
	a.all, a.relays = usage{}, usage{}
	for c := range Class(classes) {
		a.cost[c] = usage{viewers: 1, bits: bits, line: a.onLine(c, bits)}
		a.all.add(a.cost[c], int64(a.count[c]))
		if c&Relay != 0 {
			a.relays.add(a.cost[c], int64(a.count[c]))
		}
	}
}

const (
	framing   = 12   // bytes before each packet in MMSH
	mtu       = 1500 // of Ethernet; segments are that less their headers
	tcpHeader = 32   // with timestamps, which Linux uses
	ipv4      = 20
	ipv6      = 40
	record    = 16 << 10 // of TLS, at the most
	sealing   = 22       // head, type and tag of a record
	typical   = 1400     // bytes of a packet, where there is none yet
)

// onLine is what bit/s of packets are on the line for a viewer of a class: docs/uplink.md has the formula. Each packet
// is reckoned to be sent alone. That is so while there is little to do, and later it is more than true.
func (a *account) onLine(c Class, bits int64) int64 {
	packet := int64(a.packet)
	size := cmp.Or(a.measured.packet, packet, typical)
	sent := size
	if c&Padded != 0 {
		sent = max(size, packet)
	}
	sent += framing
	if c&TLS != 0 {
		sent += sealing * parts(sent, record)
	}
	header := int64(tcpHeader + ipv4)
	if c&IPv6 != 0 {
		header = tcpHeader + ipv6
	}
	sent += header * parts(sent, mtu-header)
	return bits * sent / size
}

// parts is how many pieces of a size at the most n makes.
func parts(n, size int64) int64 { return (n + size - 1) / size }

// A Sample is the counters of a stream at one moment.
type Sample struct {
	Declared int64 // bit/s, by the header; 0: it does not say
	Packet   int   // bytes of a full packet, by the header; 0: there is none
	Bytes    uint64
	Packets  uint64
	At       clock.Instant
}

// Measure is to be called for each stream once a second: what the stream costs follows. It returns a limit that from
// now on no viewer could pass even if there were no other, and None if there is no such limit or it is known already.
func (l *Ledger) Measure(stream int, s Sample) (never Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.declared(Ask{Stream: stream, Declared: s.Declared, Packet: s.Packet})
	defer l.tidy(stream, a)
	a.measured.sample(s)
	l.reckon(a)
	for _, c := range l.checks(a) {
		c.used, c.relays = 0, 0
		if c.room(l.limits.Kept) < c.part(a.cost[0]) {
			never = c.cause
		}
	}
	if a.never == never {
		return None
	}
	a.never = never
	return never
}
