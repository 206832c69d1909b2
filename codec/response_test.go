package codec

import (
	"errors"
	"strings"
	"testing"
)

var responses = []struct{ name, in, want string }{
	{"smallest", lines("HTTP/1.0 200 OK"), `Status=200 Reason="OK" |`},
	{"bare LF", "HTTP/1.1 200 OK\nServer: a\n\n", `Minor=1 Status=200 Reason="OK" Server="a" |`},
	{"no reason", lines("HTTP/1.0 200"), `Status=200 |`},
	{"no reason behind its space", lines("HTTP/1.0 200 "), `Status=200 |`},
	{"reason of several words", lines("HTTP/1.1 431 Request Header Fields Too Large"),
		`Minor=1 Status=431 Reason="Request Header Fields Too Large" |`},
	{"two spaces", lines("HTTP/1.0  404  Not Found"), `Status=404 Reason="Not Found" |`},
	{"ICY", lines("ICY 200 OK", "icy-name: a"), `Status=200 Reason="OK" |`},
	{"status nobody knows", lines("HTTP/1.0 999 Odd"), `Status=999 Reason="Odd" |`},
	{"continue, then the answer", lines("HTTP/1.1 100 Continue"), `Minor=1 Status=100 Reason="Continue" |`},

	{"VLC", lines("HTTP/1.0 200 OK", "Content-type: application/octet-stream", "Server: Cougar 4.1.0.3921",
		"Pragma: no-cache", "Pragma: client-id=11392", `Pragma: features="broadcast"`, "Cache-Control: no-cache",
		"Connection: close"),
		`Status=200 Reason="OK" Server="Cougar 4.1.0.3921" ContentType="application/octet-stream" Close ` +
			`| HasClientID ClientID=11392 Features="broadcast"`},
	{"FFmpeg", lines("HTTP/1.1 200 OK", "Content-Type: application/octet-stream", "Transfer-Encoding: chunked"),
		`Minor=1 Status=200 Reason="OK" ContentType="application/octet-stream" Chunked |`},
	{"Windows Media Services", lines("HTTP/1.1 200 OK", "Content-Type: application/vnd.ms.wms-hdr.asfv1",
		"Server: Cougar/9.01.01.3841", "Content-Length: 5612", "Date: Sat, 27 Sep 2003 15:04:13 GMT",
		`Pragma: no-cache, client-id=2236067900, xResetStrm=1, features="seekable,stridable", timeout=60000`,
		"Cache-Control: no-cache, x-wms-content-size=1", `Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch`,
		"Connection: Keep-Alive"),
		`Minor=1 Status=200 Reason="OK" Server="Cougar/9.01.01.3841" ContentType="application/vnd.ms.wms-hdr.asfv1" ` +
			`ContentLength=5612 KeepAlive | ResetStrm HasClientID ClientID=2236067900 Timeout=60000 ` +
			`Features="seekable,stridable"`},
	{"a list on several lines", lines("HTTP/1.0 200 OK", "Via: 1.0 a", "VIA: 1.0 b"),
		`Status=200 Reason="OK" Via="1.0 a" Via="1.0 b" |`},
	{"redirect", lines("HTTP/1.1 302 Found", "Location: mmsh://other/live?a=b", "Via: 1.0 pump", "Content-Length: 0"),
		`Minor=1 Status=302 Reason="Found" Location="mmsh://other/live?a=b" Via="1.0 pump" ContentLength=0 |`},
	{"chunks and length", lines("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"),
		`Minor=1 Status=200 Reason="OK" Chunked |`},
	{"chunks in HTTP/1.0", lines("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"), `Status=200 Reason="OK" Chunked |`},
	{"of two the first counts", lines("HTTP/1.0 200 OK", "Server: a", "Server: b", "Location: /a", "Location: /b"),
		`Status=200 Reason="OK" Server="a" Location="/a" |`},

	{"a push is accepted", lines("HTTP/1.1 204 No Content", "Server: Cougar/9.01.01.3814",
		"Set-Cookie: a=b", "Set-Cookie: push-id=2917046381; path=/", "Set-Cookie: push-id=1", "Pragma: timeout=60000"),
		`Minor=1 Status=204 Reason="No Content" Server="Cougar/9.01.01.3814" PushID="2917046381" | Timeout=60000`},
	{"later", lines("HTTP/1.1 503 Busy", "Retry-After: 7"), `Minor=1 Status=503 Reason="Busy" RetryAfter="7" |`},
	{"a proxy's challenges", lines("HTTP/1.1 407 No", `Proxy-Authenticate: Basic realm="a"`,
		`Proxy-Authenticate: Digest realm="b", nonce="c"`),
		`Minor=1 Status=407 Reason="No" ProxyAuthenticate="Digest realm=\"b\", nonce=\"c\"" |`},
	{"Digest", lines("HTTP/1.1 401 No", `WWW-Authenticate: Digest realm="a, Basic b", nonce="x="`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Digest realm=\"a, Basic b\", nonce=\"x=\"" |`},
	{"Basic, then Digest", lines("HTTP/1.1 401 No", `WWW-Authenticate: Basic realm="a"`,
		`WWW-Authenticate: DIGEST realm="b"`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="DIGEST realm=\"b\"" |`},
	{"Digest, then Basic", lines("HTTP/1.1 401 No", `WWW-Authenticate: Digest realm="b"`,
		`WWW-Authenticate: Basic realm="a"`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Digest realm=\"b\"" |`},
	{"the first of two Digests", lines("HTTP/1.1 401 No", `WWW-Authenticate: Digest realm="a"`,
		`WWW-Authenticate: Digest realm="b"`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Digest realm=\"a\"" |`},
	{"a Digest with SHA-256 before others", lines("HTTP/1.1 401 No",
		`WWW-Authenticate: Digest realm="a", algorithm=SHA-256`,
		`WWW-Authenticate: Basic realm="b"`, `WWW-Authenticate: Digest realm="c", algorithm=MD5`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Digest realm=\"c\", algorithm=MD5" |`},
	{"all in one field", lines("HTTP/1.1 401 No",
		`WWW-Authenticate: Negotiate, NTLM, Basic realm="a\",", Digest realm="b", qop="auth,auth-int", nonce=x, Negotiate ab==`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Digest realm=\"b\", qop=\"auth,auth-int\", nonce=x" |`},
	{"parameters that look like schemes", lines("HTTP/1.1 401 No",
		`WWW-Authenticate: X digest="a", digest = b, Basic realm="c"`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Basic realm=\"c\"" |`},
	{"schemes we cannot do", lines("HTTP/1.1 401 No", `WWW-Authenticate: NTLM`, `WWW-Authenticate: Negotiate,`),
		`Minor=1 Status=401 Reason="No" |`},
	{"empty challenge", lines("HTTP/1.1 401 No", `WWW-Authenticate:`, `WWW-Authenticate: , ,Basic`),
		`Minor=1 Status=401 Reason="No" WWWAuthenticate="Basic" |`},
}

// oddResponses are what cameras, encoders and old servers send, and what is meant.
var oddResponses = []struct{ name, in, want string }{
	{"unknown length", lines("HTTP/1.0 200 OK", "Content-Length: -1", "Server: a"), `Status=200 Reason="OK" Server="a" |`},
	{"unknown length in unsigned", lines("HTTP/1.0 200 OK", "Content-Length: 18446744073709551615"),
		`Status=200 Reason="OK" |`},
	{"empty length", lines("HTTP/1.0 200 OK", "Content-Length:"), `Status=200 Reason="OK" |`},
	{"length twice in one", lines("HTTP/1.0 200 OK", "Content-Length: 7, 7"), `Status=200 Reason="OK" ContentLength=7 |`},
	{"unknown length, then a known one", lines("HTTP/1.0 200 OK", "Content-Length: -1", "Content-Length: 7"),
		`Status=200 Reason="OK" ContentLength=7 |`},
	{"blank before the colon", lines("HTTP/1.0 200 OK", "Content-Length : 7", "Server\t: a"),
		`Status=200 Reason="OK" Server="a" ContentLength=7 |`},
	{"no colon", lines("HTTP/1.0 200 OK", "<BR>icy-notice", "Server: a", "x"), `Status=200 Reason="OK" Server="a" |`},
	{"no name", lines("HTTP/1.0 200 OK", ": x", " : y", "Server: a"), `Status=200 Reason="OK" Server="a" |`},
	{"name of two words", lines("HTTP/1.0 200 OK", "Powered By: x", "Server: a"), `Status=200 Reason="OK" Server="a" |`},
	{"folded", lines("HTTP/1.0 200 OK", "Server: a", "\tb", " ", "  c", "Pragma:", " no-cache,", " client-id=7"),
		`Status=200 Reason="OK" Server="a b c" | HasClientID ClientID=7`},
	{"folded, and nothing to go on with", lines("HTTP/1.0 200 OK", " Location: /x", "Server: a"),
		`Status=200 Reason="OK" Server="a" |`},
	{"folded chunks", lines("HTTP/1.1 200 OK", "Transfer-Encoding:", " chunked"),
		`Minor=1 Status=200 Reason="OK" Chunked |`},
	{"NUL and lone CR in a value", lines("HTTP/1.0 200 OK", "Location: /\x00", "Server: x\rContent-Length: 5"),
		`Status=200 Reason="OK" |`},
	{"reason glued on", lines("HTTP/1.0 200OK"), `Status=200 Reason="OK" |`},
	{"tab before the reason", lines("HTTP/1.0 200\tOK"), `Status=200 Reason="OK" |`},
	{"bytes beyond ASCII", lines("HTTP/1.0 200 OK", "icy-name: caf\xe9", "Server: \xe9"),
		`Status=200 Reason="OK" Server="\xe9" |`},
	{"line feeds and blanks", "ICY 200 OK\nContent-Type : video/x-ms-asf\n\n",
		`Status=200 Reason="OK" ContentType="video/x-ms-asf" |`},
}

func TestParseOddResponse(t *testing.T) {
	for _, c := range oddResponses {
		t.Run(c.name, func(t *testing.T) {
			var r Response
			for _, b := range []string{c.in, c.in + "$H"} {
				if n, err := ParseResponse([]byte(b), maxHead, &r); n != len(c.in) || err != nil {
					t.Fatalf("n %d, %v; want n %d", n, err, len(c.in))
				}
				if got := show(r); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			}
			for i := range c.in {
				if n, err := ParseResponse([]byte(c.in[:i]), maxHead, &r); n != 0 || err != ErrShort {
					t.Fatalf("cut at %d: n %d, %v; want 0, ErrShort", i, n, err)
				}
			}
		})
	}
}

func TestParseResponse(t *testing.T) {
	for _, c := range responses {
		t.Run(c.name, func(t *testing.T) { checkResponse(t, []byte(c.in), len(c.in), c.want) })
	}
}

// checkResponse parses in, whose head is n bytes long, whole, with something behind it, and cut at each byte.
func checkResponse(t *testing.T, in []byte, n int, want string) {
	t.Helper()
	var r Response
	for _, b := range [][]byte{in[:n], append(in[:n:n], "$H"...)} {
		got, err := ParseResponse(b, maxHead, &r)
		if err != nil || got != n {
			t.Fatalf("n %d, %v; want n %d", got, err, n)
		}
		if got := show(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		checkAliases(t, b, r)
	}
	for i := range n {
		if got, err := ParseResponse(in[:i:i], maxHead, &r); got != 0 || err != ErrShort {
			t.Fatalf("cut at %d: n %d, %v; want 0, ErrShort", i, got, err)
		}
	}
}

var badResponses = []struct{ name, in, text string }{
	{"no HTTP at all", "$H\xE8\x15\n", "version"},
	{"HTTP/2", "HTTP/2.0 200 OK\r\n", "HTTP/2.0"},
	{"no version", "HTTP 200 OK\r\n", `"HTTP"`},
	{"RTSP", "RTSP/1.0 200 OK\r\n", "RTSP"},
	{"no status", "HTTP/1.0\r\n", "three digits"},
	{"status of two digits", "HTTP/1.0 99 A\r\n", "three digits"},
	{"status below 100", "HTTP/1.0 099 A\r\n", "three digits"},
	{"status of four digits", "HTTP/1.0 2000 A\r\n", "three digits"},
	{"negative status", "HTTP/1.0 -20 A\r\n", "three digits"},
	{"two content-lengths", lines("HTTP/1.0 200 OK", "Content-Length: 1", "Content-Length: 2"), "1 and 2"},
	{"two in one content-length", lines("HTTP/1.0 200 OK", "Content-Length: 1, 2"), "1 and 2"},
	{"folded content-length", lines("HTTP/1.0 200 OK", "Content-Length: 1", " 2"), `"1 2"`},
	{"content-length of words", lines("HTTP/1.0 200 OK", "Content-Length: long"), `"long"`},
	{"lone CR in a content-length", lines("HTTP/1.0 200 OK", "Content-Length: 1\r2"), "allowed are digits"},
	{"two minuses", lines("HTTP/1.0 200 OK", "Content-Length: --1"), "--1"},
	{"two lengths, one with a blank before the colon", lines("HTTP/1.0 200 OK", "Content-Length: 1", "Content-Length : 2"),
		"1 and 2"},
	{"chunked twice", lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding : chunked"), "chunked"},
	{"gzip", lines("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"), "gzip"},
	{"too many fields", "HTTP/1.0 200 OK\r\n" + strings.Repeat("a:b\r\n", maxFields+1) + "\r\n", "more than 64"},
	{"endless head", "HTTP/1.0 200 OK\r\nA: " + strings.Repeat("a", maxHead), "16384"},
}

func TestParseResponseBad(t *testing.T) {
	for _, c := range badResponses {
		t.Run(c.name, func(t *testing.T) {
			var r Response
			n, err := ParseResponse([]byte(c.in), maxHead, &r)
			if n != 0 || err == nil || err == ErrShort || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("n %d, %v; want 0 and an error with %q", n, err, c.text)
			}
			if got, want := errors.Is(err, ErrTooLarge), strings.HasPrefix(c.name, "too many") ||
				c.name == "endless head"; got != want {
				t.Errorf("%v: is ErrTooLarge: %t", err, got)
			}
			for i := range c.in {
				if n, err := ParseResponse([]byte(c.in[:i]), maxHead, &r); err == nil {
					t.Fatalf("cut at %d: a response of %d bytes", i, n)
				}
			}
		})
	}
}

func TestParseResponseAllocs(t *testing.T) {
	for _, c := range responses {
		var r Response
		in := []byte(c.in)
		if n := testing.AllocsPerRun(10, func() { ParseResponse(in, maxHead, &r) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func FuzzResponse(f *testing.F) {
	for _, c := range responses {
		addSeed(f, []byte(c.in))
	}
	for _, c := range badResponses {
		addSeed(f, []byte(c.in))
	}
	for _, c := range oddResponses {
		addSeed(f, []byte(c.in))
	}
	for _, in := range readCaptures(f, "response") {
		addSeed(f, in[:min(len(in), 1024)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Response
		n, err := ParseResponse(b, maxHead, &r)
		if err != nil {
			if n != 0 {
				t.Fatalf("n %d with %v", n, err)
			}
			if err == ErrShort && len(b) > 0 {
				checkPrefixes(t, b, func(b []byte) error { _, err := ParseResponse(b, maxHead, &again); return err })
			}
			return
		}
		if n <= 0 || n > len(b) || n > maxHead {
			t.Fatalf("n %d of %d bytes", n, len(b))
		}
		if r.Status < 100 || r.Status > 999 || r.Chunked && r.ContentLength >= 0 {
			t.Errorf("status %d, chunked %t, content-length %d", r.Status, r.Chunked, r.ContentLength)
		}
		if r.WWWAuthenticate != nil && !hasScheme(r.WWWAuthenticate, "digest") && !hasScheme(r.WWWAuthenticate, "basic") {
			t.Errorf("challenge %q", r.WWWAuthenticate)
		}
		k, err := ParseResponse(b[:n:n], maxHead, &again)
		if k != n || err != nil || show(again) != show(r) {
			t.Errorf("again: n %d, %v\ngot  %s\nwant %s", k, err, show(again), show(r))
		}
		checkPrefixes(t, b[:n], func(b []byte) error { _, err := ParseResponse(b, maxHead, &again); return err })
	})
}
