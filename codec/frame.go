package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrDesync: no frame begins here. What came before lied about its length, or the body is something else.
var ErrDesync = errors.New("desync: no $ where a frame should begin")

// A Frame starts every unit of an MMSH body, and of a push.
//
//	 0        1        2                 4
//	+--------+--------+-----------------+-----------
//	| B 0x24 | type   | length          | length bytes
//	+--------+--------+-----------------+-----------
//
// B, the top bit of byte 0, promises another frame without delay. length counts only what comes after it. [MS-WMSP]
// 2.2.3.1.1; pushes use it too: [MS-WMHTTP] 2.2.3.1.1.
//
//	type  viewers (MMSH)                 encoders (push)
//	'H'   data header, ASF header        ASF header
//	'D'   data header, ASF packet        ASF packet
//	'C'   reason                         reason, ASF header
//	'E'   reason                         reason
//	'M'   data header, metadata          -
//	'P'   three at once, see pairLen     -
//	'T'   nothing                        -
//	'F'   -                              anything
//
// The data header is that of ParseData.
type Frame struct {
	Type byte
	More bool   // B. Servers set it for players that claim version 9 or above; others take 0xA4 for garbage
	Body []byte // aliases the input
}

const (
	dollar      = 0x24
	moreBit     = 0x80
	frameHeader = 4
	maxBody     = math.MaxUint16
	reasonLen   = 4
)

// ParseFrame reads the frame that b begins with and returns its length: the next begins at b[n]. It wants the whole
// frame, at most 4 + 65535 bytes. Errors: ErrShort; ErrDesync (wrapped).
//
// A type it has never heard of is no error: skip it.
func ParseFrame(b []byte) (f Frame, n int, err error) {
	if len(b) == 0 {
		return Frame{}, 0, ErrShort
	}
	if b[0]&^moreBit != dollar {
		return Frame{}, 0, fmt.Errorf("frame: first byte %#02x: %w", b[0], ErrDesync)
	}
	if n, err = frameLen(b); err != nil {
		return Frame{}, 0, err
	}
	if len(b) < n {
		return Frame{}, 0, ErrShort
	}
	return Frame{Type: b[1], More: b[0]&moreBit != 0, Body: b[frameHeader:n:n]}, n, nil
}

// frameLen returns the length of a frame with its header. [MS-WMSP] has one type whose length field lies.
func frameLen(b []byte) (int, error) {
	if len(b) < frameHeader {
		return 0, ErrShort
	}
	if b[1] == 'P' {
		return pairLen(b)
	}
	return frameHeader + int(binary.LittleEndian.Uint16(b[2:])), nil
}

// What the length fields of packet-pair frames say, and the sum of their true lengths.
const (
	pairLength      = 504 // first and second
	pairLastLength  = 1048
	pairHeader      = frameHeader + reasonLen
	pairTotal       = 3*pairHeader + 2*pairLength + pairLastLength
	pairSecondStart = pairHeader + pairLength                   // - R
	pairThirdStart  = pairSecondStart + pairHeader + pairLength // - R
)

// pairLen returns how much to skip for a packet pair, which is three frames: the client times them to measure its
// bandwidth, so together with the R bytes of the response head they fill packets evenly. Their length fields do not
// count the reason, and are off by R, which the reason says, besides. [MS-WMSP] 2.2.3.7
//
//	        length  reason  random bytes  true length
//	first   504     R       504 - R       512 - R
//	second  504     R       504           512
//	third   1048    R       1048 + R      1056 + R
//	                                      2080
//
// First and second differ in nothing but their place, so the set is taken as one frame: R cancels out of its length,
// and the heads of the second and third must be where R puts them. A third by itself is taken by its true length,
// a $P that is none of these by its length field.
func pairLen(b []byte) (int, error) {
	length := int(binary.LittleEndian.Uint16(b[2:]))
	if length != pairLength && length != pairLastLength {
		return frameHeader + length, nil
	}
	if len(b) < pairHeader {
		return 0, ErrShort
	}
	reason := binary.LittleEndian.Uint32(b[frameHeader:])
	if reason > pairLength {
		return frameHeader + length, nil
	}
	r := int(reason)
	if length == pairLastLength {
		return pairHeader + pairLastLength + r, nil
	}
	if !isPair(b, pairSecondStart-r, pairLength) || !isPair(b, pairThirdStart-r, pairLastLength) {
		return 0, fmt.Errorf("frame: $P with reason %d, but no second and third behind it: %w", r, ErrDesync)
	}
	return pairTotal, nil
}

// isPair reports whether a $P of a length begins at b[at], or may begin there once more has come.
func isPair(b []byte, at, length int) bool {
	if len(b) < at+frameHeader {
		return true
	}
	b = b[at:]
	return b[0]&^moreBit == dollar && b[1] == 'P' && int(binary.LittleEndian.Uint16(b[2:])) == length
}

// Reason returns the reason of a $C or $E: 0 for a plain end, 1 for the end of an entry that a $C will follow, else an
// HRESULT. [MS-WMSP] 2.2.3.2, 2.2.3.4
//
// An $E is exactly 4 bytes long. FFmpeg and VLC, as servers, put a data header there and no reason: 8 bytes, beginning
// with a counter that comes past 1; a pusher in C sends nothing at all. These are plain ends. A longer $C is the push
// dialect's, with an ASF header behind its reason.
func (f Frame) Reason() (uint32, error) {
	if f.Type != 'C' && f.Type != 'E' {
		return 0, fmt.Errorf("frame: type %q has no reason", f.Type)
	}
	if f.Type == 'E' && len(f.Body) == 0 {
		return 0, nil
	}
	if len(f.Body) < reasonLen {
		return 0, fmt.Errorf("frame: $%c of %d bytes, a reason has %d", f.Type, len(f.Body), reasonLen)
	}
	if f.Type == 'E' && len(f.Body) > reasonLen {
		return 0, nil
	}
	return binary.LittleEndian.Uint32(f.Body), nil
}

// AppendFrame appends a frame. It never sets B, which is fatal in FFmpeg, VLC and libmms. body is at most 65535 bytes
// long: more is a bug of ours.
func AppendFrame(dst []byte, typ byte, body []byte) []byte {
	if len(body) > maxBody {
		panic(fmt.Sprintf("frame: body of %d bytes, limit %d", len(body), maxBody))
	}
	dst = append(dst, dollar, typ)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(body)))
	return append(dst, body...)
}

// AppendReason appends a $C or $E as viewers get it, 8 bytes.
func AppendReason(dst []byte, typ byte, reason uint32) []byte {
	dst = append(dst, dollar, typ, reasonLen, 0)
	return binary.LittleEndian.AppendUint32(dst, reason)
}
