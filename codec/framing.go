package codec

import (
	"bytes"
	"fmt"
)

// lengthDigits bounds a Content-Length, in digits. Encoders send 2147483647 and mean "for ever", [MS-WMHTTP] 3.1.4.2.1;
// 18 digits still fit an int64.
const lengthDigits = 18

// framing gathers the fields that say where a body ends and what becomes of the connection then. [RFC 9112] 6, 9.
type framing struct {
	length           int64 // Content-Length, -1 if there is none
	chunked          bool  // Transfer-Encoding: chunked
	identity         bool  // Transfer-Encoding: identity
	close, keepAlive bool
}

// contentLength takes one Content-Length field. Two that differ are how requests are smuggled past a proxy.
func (f *framing) contentLength(value []byte) error {
	v, ok := number(value, lengthDigits)
	if !ok {
		return fmt.Errorf("content-length: %.40q, allowed are 1 to %d digits", value, lengthDigits)
	}
	if f.length >= 0 && f.length != v {
		return fmt.Errorf("content-length: %d and %d", f.length, v)
	}
	f.length = v
	return nil
}

// transferEncoding takes one Transfer-Encoding field. We know chunked, alone and once, and identity, an old word for
// nothing. Both together are a contradiction, which others may see otherwise than we.
func (f *framing) transferEncoding(value []byte) error {
	switch {
	case fold(value, "identity") && !f.chunked:
		f.identity = true
		return nil
	case fold(value, "chunked") && !f.chunked && !f.identity:
		f.chunked = true
		return nil
	}
	return fmt.Errorf("transfer-encoding: %.40q, allowed is chunked, once and alone", value)
}

// connection takes one Connection field, a comma list. Everything but close and keep-alive is for proxies.
func (f *framing) connection(value []byte) {
	for more := true; more; {
		var option []byte
		option, value, more = bytes.Cut(value, comma)
		switch option = trim(option); {
		case fold(option, "close"):
			f.close = true
		case fold(option, "keep-alive"):
			f.keepAlive = true
		}
	}
}
