package server

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
)

// maxHello is how large a ClientHello may be, with its records: players send 300 bytes, browsers 2 KB, with tickets and
// post-quantum keys. It is read before anything is set aside for the handshake.
const maxHello = 16 << 10

// readHello reads what a client says first: a whole ClientHello, or as much of something else as shows that it is none,
// which crypto/tls knows best how to answer. b is what of it has been read already.
func readHello(c net.Conn, b []byte) ([]byte, error) {
	var s helloScan
	b = slices.Grow(b, 512)
	for !s.whole(b) {
		if s.size > maxHello || len(b) == maxHello {
			_, _ = c.Write(helloTooLarge)
			return nil, fmt.Errorf("hello: %d bytes, limit %d", max(s.size, len(b)+1), maxHello)
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, min(cap(b), maxHello-len(b)))
		}
		n, err := c.Read(b[len(b):min(cap(b), maxHello)])
		b = b[:len(b)+n]
		if err != nil {
			return nil, fmt.Errorf("hello: %w", err)
		}
	}
	return b, nil
}

// helloTooLarge is an alert: fatal, internal_error, as crypto/tls says it of messages that are too large for it.
var helloTooLarge = []byte{21, 3, 1, 0, 2, 2, 80}

// A helloScan looks for the end of a ClientHello in bytes that grow. It is a handshake message in any number of
// records:
//
//	 0      1       3        5
//	+------+-------+--------+------------  -  -+------+-----
//	| 0x16 | 3.x   | length | length bytes     | 0x16 | …
//	+------+-------+--------+------------  -  -+------+-----
//	                          |                         |
//	                        +------+---------+------------  -
//	                        | 0x01 | size 24 | size bytes
//	                        +------+---------+------------  -
//
// RFC 8446 5.1 and 4.
type helloScan struct {
	at   int     // where the next record begins
	got  int     // bytes of the message in the records before that
	head [4]byte // the message's first bytes, as far as got
	size int     // of the message, its head included; 0 while that is not known
}

const (
	recordHandshake = 0x16
	messageHello    = 0x01
	recordHead      = 5
	maxRecord       = 1 << 14
)

// whole says whether nothing more is to be waited for: b holds a ClientHello, or what cannot become one. It is not for
// messages of more than maxHello, whose size is set.
func (s *helloScan) whole(b []byte) bool {
	for {
		rest := b[min(s.at, len(b)):]
		if len(rest) > 0 && rest[0] != recordHandshake || len(rest) > 1 && rest[1] != 3 {
			return true
		}
		if len(rest) < recordHead {
			return false
		}
		n := int(binary.BigEndian.Uint16(rest[3:]))
		if n == 0 || n > maxRecord {
			return true
		}
		body := rest[recordHead:min(len(rest), recordHead+n)]
		if s.got < len(s.head) {
			copy(s.head[s.got:], body)
		}
		known := s.got + len(body)
		switch {
		case known >= 1 && s.head[0] != messageHello:
			return true
		case known >= len(s.head):
			s.size = len(s.head) + int(s.head[1])<<16 + int(s.head[2])<<8 + int(s.head[3])
		}
		switch {
		case s.size > maxHello:
			return false
		case s.size > 0 && known >= s.size:
			return true
		case len(body) < n:
			return false
		}
		s.at, s.got = s.at+recordHead+n, known
	}
}
