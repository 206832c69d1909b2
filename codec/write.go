package codec

import "strconv"

// AppendStatus appends a status line; minor is the request's. There is always a reason: libmms looks for one.
// [RFC 9112] 4
func AppendStatus(dst []byte, minor, code int) []byte {
	dst = appendVersion(dst, minor)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, reasonPhrase(code)...)
	return append(dst, "\r\n"...)
}

// AppendRequestLine appends a request line. Blanks and control characters cannot stand in a target and are left out:
// they come from a URL in the configuration or a redirect.
func AppendRequestLine(dst []byte, method, target string, minor int) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	for i := range len(target) {
		if c := target[i]; c != ' ' && !isControl(c) {
			dst = append(dst, c)
		}
	}
	dst = append(dst, ' ')
	dst = appendVersion(dst, minor)
	return append(dst, "\r\n"...)
}

func appendVersion(dst []byte, minor int) []byte {
	if minor == 0 {
		return append(dst, "HTTP/1.0"...)
	}
	return append(dst, "HTTP/1.1"...)
}

// AppendField appends a field line. The name goes out as it is, because encoders compare some names with case:
// Content-Length, Set-Cookie, WWW-Authenticate and Server are to be written exactly so. Control characters in value
// are left out: one CR LF that came from a peer would be a field, or a response, of the peer's making.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	for i := range len(value) {
		if c := value[i]; !isControl(c) {
			dst = append(dst, c)
		}
	}
	return append(dst, "\r\n"...)
}

// AppendIntField appends a field line with a number.
func AppendIntField(dst []byte, name string, v int64) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = strconv.AppendInt(dst, v, 10)
	return append(dst, "\r\n"...)
}

// reasonPhrase knows the codes we use. [RFC 9110] 15
func reasonPhrase(code int) string {
	switch code {
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 206:
		return "Partial Content"
	case 301:
		return "Moved Permanently"
	case 302:
		return "Found"
	case 303:
		return "See Other"
	case 305:
		return "Use Proxy"
	case 307:
		return "Temporary Redirect"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 409:
		return "Conflict"
	case 411:
		return "Length Required"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 416:
		return "Range Not Satisfiable"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 505:
		return "HTTP Version Not Supported"
	}
	return "Status"
}
