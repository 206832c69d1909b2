package codec

import (
	"math"
	"slices"
)

// nameMax is the longest name that lower takes, in bytes. Every name we look for is shorter.
const nameMax = 32

// lower copies name into buf in lower case. It returns nothing for a name longer than any we know. The copy costs
// less than it seems: `switch string(lower(…))` neither allocates nor compares more than two or three candidates.
func lower(buf *[nameMax]byte, name []byte) []byte {
	if len(name) > len(buf) {
		return nil
	}
	for i, c := range name {
		buf[i] = lowerByte(c)
	}
	return buf[:len(name)]
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// fold reports whether b is want in any mixture of cases. ASCII only: bytes.EqualFold would take the Kelvin sign for
// a k.
func fold(b []byte, want string) bool {
	if len(b) != len(want) {
		return false
	}
	for i, c := range b {
		if lowerByte(c) != lowerByte(want[i]) {
			return false
		}
	}
	return true
}

// trim cuts spaces and tabs off both ends, the OWS of [RFC 9110] 5.6.3.
func trim(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isControl(c byte) bool { return c < ' ' || c == 0x7F }

func hasControl(b []byte) bool {
	return slices.ContainsFunc(b, isControl)
}

// isToken reports whether b is a token of [RFC 9110] 5.6.2: one or more visible ASCII characters, no separators.
func isToken(b []byte) bool {
	return len(b) > 0 && tokenLen(b) == len(b)
}

// tokenLen returns the length of the token b begins with, 0 without one.
func tokenLen(b []byte) (n int) {
	for n < len(b) && isTokenByte(b[n]) {
		n++
	}
	return n
}

func isTokenByte(c byte) bool { return tokenBytes[c] }

var tokenBytes = func() (t [256]bool) {
	const separators = `"(),/:;<=>?@[\]{}`
	for c := '!'; c <= '~'; c++ {
		t[c] = true
	}
	for _, c := range separators {
		t[c] = false
	}
	return t
}()

// number reads b as a decimal number of 1 to digits digits and nothing else: no sign, no space, so nothing that two
// programs could read differently. digits is at most 18, so that the result always fits.
func number(b []byte, digits int) (v int64, ok bool) {
	if len(b) == 0 || len(b) > digits {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

// number32 reads b as an unsigned 32-bit decimal number, as [MS-WMSP] 2.2.1.4 has them.
func number32(b []byte) (uint32, bool) {
	v, ok := number(b, 10)
	if !ok || v > math.MaxUint32 {
		return 0, false
	}
	return uint32(v), true
}
