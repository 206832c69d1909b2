package codec

import "bytes"

// CookieValue returns the value of the first cookie called name, in any case, out of a Cookie field; nil if there is
// none, empty if it has none. Encoders put blanks on either side of ; and =, and other cookies before and after:
//
//	funny=2 ; push-id=123
//
// [MS-WMHTTP] 2.2.2.1
func CookieValue(cookie []byte, name string) []byte {
	for more := true; more; {
		var pair []byte
		pair, cookie, more = bytes.Cut(cookie, semicolon)
		key, value, ok := bytes.Cut(pair, equals)
		if ok && fold(trim(key), name) {
			return unquote(trim(value))
		}
	}
	return nil
}

// unquote cuts a pair of quotes off. [RFC 6265] 4.1.1 allows them around a cookie's value.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}
