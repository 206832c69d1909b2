package codec

import "testing"

// The way that a message has come may be told on one line or on several.
func TestAllVia(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{"Host: h", ""},
		{"Via: 1.0 a, 1.1 b", "1.0 a, 1.1 b"},
		{"Via: 1.0 a\r\nHost: h\r\nVIA:  1.0 b,1.0 c\r\nX-Via: 1.0 x\r\nvia:\r\nVia: 1.1 d", "1.0 a, 1.0 b,1.0 c, 1.1 d"},
		{"Via:\r\nVia: 1.0 a", "1.0 a"},
	} {
		var r Request
		if _, err := ParseRequest([]byte(lines("GET / HTTP/1.0", c.fields)), maxHead, &r); err != nil || string(r.AllVia()) != c.want {
			t.Errorf("request with %q: %q, %v, want %q", c.fields, r.AllVia(), err, c.want)
		}
		var a Response
		if _, err := ParseResponse([]byte(lines("HTTP/1.0 200 OK", c.fields)), maxHead, &a); err != nil || string(a.AllVia()) != c.want {
			t.Errorf("response with %q: %q, %v, want %q", c.fields, a.AllVia(), err, c.want)
		}
	}
}
