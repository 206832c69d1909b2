package codec

import (
	"strings"
	"testing"
)

// codes are all that we answer with.
var codes = []int{
	200, 204, 206, 301, 302, 303, 305, 307, 400, 401, 403, 404, 405, 408, 409, 411, 413, 416, 431, 500, 501, 503, 505,
}

func TestAppendStatus(t *testing.T) {
	if got, want := string(AppendStatus([]byte("x"), 0, 200)), "xHTTP/1.0 200 OK\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(AppendStatus(nil, 1, 408)), "HTTP/1.1 408 Request Timeout\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := map[string]int{}
	for _, code := range append(codes, 299) {
		var r Response
		b := append(AppendStatus(nil, 1, code), "\r\n"...)
		if n, err := ParseResponse(b, maxHead, &r); n != len(b) || err != nil || r.Status != code || len(r.Reason) == 0 {
			t.Errorf("%q: n %d, %v, status %d, reason %q", b, n, err, r.Status, r.Reason)
		}
		if other := seen[string(r.Reason)]; other != 0 {
			t.Errorf("%d and %d are both %q", code, other, r.Reason)
		}
		seen[string(r.Reason)] = code
	}
}

func TestAppendFields(t *testing.T) {
	b := AppendRequestLine([]byte("x"), "GET", "/live?a", 0)
	b = AppendField(b, "X-cAsE", "a b")
	b = AppendField(b, "Empty", "")
	b = AppendField(b, "Utf-8", "grün")
	b = AppendIntField(b, "Content-Length", 2147483647)
	b = AppendIntField(b, "N", -1)
	want := "xGET /live?a HTTP/1.0\r\nX-cAsE: a b\r\nEmpty: \r\nUtf-8: grün\r\nContent-Length: 2147483647\r\nN: -1\r\n"
	if string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
}

// What comes from a peer or a file must not get out of its line.
func TestAppendFieldInjection(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(AppendField(nil, "Location", "/a\r\nSet-Cookie: b\r\n\r\n<html>")), "Location: /aSet-Cookie: b<html>\r\n"},
		{string(AppendField(nil, "A", "\x00a\tb\x1Bc\x7Fd\n")), "A: abcd\r\n"},
		{string(AppendRequestLine(nil, "GET", "/a HTTP/1.0\r\nX: y\r\n\r\n", 1)), "GET /aHTTP/1.0X:y HTTP/1.1\r\n"},
		{string(AppendRequestLine(nil, "GET", "/\x00\x7Fa", 1)), "GET /a HTTP/1.1\r\n"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestWriteRequest writes the Play of a puller and reads it back.
func TestWriteRequest(t *testing.T) {
	b := AppendRequestLine(nil, "GET", "/live", 0)
	b = AppendField(b, "Host", "h:8080")
	b = AppendField(b, "User-Agent", "NSPlayer/9.0.0.2980")
	b = AppendField(b, "Pragma", "no-cache,rate=1.000000,request-context=2")
	b = AppendField(b, "Pragma", "xPlayStrm=1,client-id=7")
	b = AppendField(b, "Pragma", "stream-switch-entry=ffff:1:0 ffff:2:0")
	b = AppendField(b, "Connection", "Close")
	b = append(b, "\r\n"...)
	want := `Method="GET" Target="/live" Path="/live" Host="h:8080" UserAgent="NSPlayer/9.0.0.2980" Close ` +
		`| Play=1 HasClientID ClientID=7 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0"`
	checkRequest(t, b, len(b), want)
}

func TestWriteAllocs(t *testing.T) {
	dst := make([]byte, 0, 1024)
	long := strings.Repeat("v", 100)
	n := testing.AllocsPerRun(10, func() {
		b := AppendStatus(dst, 1, 200)
		b = AppendField(b, "Server", long)
		b = AppendIntField(b, "Content-Length", 1<<40)
		b = AppendRequestLine(b, "GET", long, 1)
		AppendReason(b, 'E', 0)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
