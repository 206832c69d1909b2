// Package proxied finds out who is behind a proxy that stands in front of us: by the header of the PROXY protocol that
// begins a connection, or by the fields Forwarded and X-Forwarded-For of a request.
//
//	client ──▶ proxy ──▶ proxy ──▶ us
//	           both add whom they speak for, and are believed if the operator trusts them
//
// What is said is believed hop by hop, from us to the client: the connection's own address, then whom that one names,
// as long as the one that names is trusted. So a client can say what it likes.
package proxied

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"pumpd/codec"
)

// ErrNone: what has come is no header of the PROXY protocol, nor the beginning of one.
var ErrNone = errors.New("no PROXY header")

// MaxHeader is how many bytes of a header are taken. An address needs 16+36; what proxies add besides, names and
// certificates' subjects, is some hundreds.
const MaxHeader = 4 << 10

// ParseHeader reads the header of the PROXY protocol that b begins with, in version 1 or 2, and returns its length.
// client is whom the proxy speaks for; not valid: it does not say. Errors: codec.ErrShort, ErrNone; anything else is a
// malformed header. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
func ParseHeader(b []byte) (client netip.AddrPort, n int, err error) {
	switch {
	case bytes.HasPrefix(b, signature):
		return parseBinary(b)
	case bytes.HasPrefix(b, word):
		return parseLine(b)
	case bytes.HasPrefix(signature, b), bytes.HasPrefix(word, b):
		return client, 0, codec.ErrShort
	}
	return client, 0, ErrNone
}

var word = []byte("PROXY ")

// maxLine is the longest line of version 1 with its CR LF.
const maxLine = 107

// parseLine is version 1.
//
//	PROXY TCP4 192.0.2.7 192.0.2.1 56324 8086 CR LF
//	PROXY TCP6 2001:db8::7 2001:db8::1 56324 8086 CR LF
//	PROXY UNKNOWN [anything] CR LF
func parseLine(b []byte) (client netip.AddrPort, n int, err error) {
	line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
	switch {
	case !whole && len(b) < maxLine:
		return client, 0, codec.ErrShort
	case !whole:
		return client, 0, fmt.Errorf("PROXY header: no end of line in %d bytes", maxLine)
	}
	words := strings.Split(string(line), " ")
	n = len(line) + len("\r\n")
	if words[1] == "UNKNOWN" {
		return client, n, nil
	}
	if len(words) != 6 {
		return client, 0, fmt.Errorf("PROXY header: %d words, want 6", len(words))
	}
	client, ok := textual(words[1], words[2], words[4])
	_, oursOK := textual(words[1], words[3], words[5])
	if !ok || !oursOK {
		return netip.AddrPort{}, 0, fmt.Errorf("PROXY header: %q, want TCP4 or TCP6, two addresses and two ports", words[1:])
	}
	return client, n, nil
}

// textual reads an address of version 1.
func textual(family, address, port string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" || family != "TCP4" && family != "TCP6" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, false
	}
	p, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), err == nil
}

var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// What the 13th and 14th byte of version 2 say.
const (
	version      = 0x20 // high half of the first
	commandLocal = 0    // HAProxy says that of its own checks, and of clients that have no address
	commandProxy = 1

	familyNone = 0 // high half of the second
	familyIPv4 = 1
	familyIPv6 = 2
	familyUnix = 3

	transportDatagram = 2 // low half, in which 0 is unspecified and 1 a stream

	binaryHead = 16
)

// addresses is how long both addresses are, by family, with their ports.
var addresses = [...]int{familyNone: 0, familyIPv4: 12, familyIPv6: 36, familyUnix: 216}

// parseBinary is version 2. Numbers are big-endian.
//
//	 0           12        13                  14       16
//	+-----------+---------+-------------------+--------+---------------------------------------------+------
//	| signature | 2 | cmd | family | transport | length | client, us, port of client, our port; 12…216 | TLVs
//	+-----------+---------+-------------------+--------+---------------------------------------------+------
//	                                                    '────────────────── length ──────────────────────────'
//
// The TLVs are skipped: there is nothing in them that we use.
func parseBinary(b []byte) (client netip.AddrPort, n int, err error) {
	if len(b) < binaryHead {
		return client, 0, codec.ErrShort
	}
	command, family, transport := b[12]&15, int(b[13]>>4), b[13]&15
	n = binaryHead + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case b[12]&0xF0 != version || command > commandProxy:
		return client, 0, fmt.Errorf("PROXY header: version and command %#02x, want 0x20 or 0x21", b[12])
	case family > familyUnix || transport > transportDatagram:
		return client, 0, fmt.Errorf("PROXY header: unknown family and transport %#02x", b[13])
	case n > MaxHeader:
		return client, 0, fmt.Errorf("PROXY header: %d bytes, limit %d", n, MaxHeader)
	case command == commandProxy && n < binaryHead+addresses[family]:
		return client, 0, fmt.Errorf("PROXY header: %d bytes, addresses of family %d need %d", n, family,
			binaryHead+addresses[family])
	case len(b) < n:
		return client, 0, codec.ErrShort
	case command == commandLocal || transport == transportDatagram:
		return client, n, nil
	}
	body := b[binaryHead:n]
	switch family {
	case familyIPv4:
		client = binaryAddress(body[:4], body[8:])
	case familyIPv6:
		client = binaryAddress(body[:16], body[32:])
	}
	return client, n, nil
}

// binaryAddress reads an address of version 2, and the port that another place begins with.
func binaryAddress(address, port []byte) netip.AddrPort {
	a, _ := netip.AddrFromSlice(address) // false only of other lengths
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(port))
}
