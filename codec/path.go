package codec

// AppendPath appends a request's Path as its names read, up to a fragment, which has no business in a request, but
// MPlayer sends it, escaped. Of what is escaped only the unreserved characters mean the same without it ([RFC 3986]
// 2.3).
//
//	/streams/%64emo%2Fx%23t=10
//	/streams/demo%2Fx
func AppendPath(dst, path []byte) []byte {
	for len(path) > 0 && path[0] != '#' {
		c, n := path[0], 1
		if e, ok := escaped(path); ok && e == '#' {
			break
		} else if ok && isUnreserved(e) {
			c, n = e, 3
		}
		dst, path = append(dst, c), path[n:]
	}
	return dst
}

// escaped is the character that b begins with, if that is escaped: a percent sign and two hexadecimal digits.
func escaped(b []byte) (c byte, ok bool) {
	if len(b) < 3 || b[0] != '%' {
		return 0, false
	}
	high, okHigh := hexDigit(b[1])
	low, okLow := hexDigit(b[2])
	return byte(high<<4 | low), okHigh && okLow
}

func isUnreserved(c byte) bool {
	switch lower := lowerByte(c); {
	case 'a' <= lower && lower <= 'z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
