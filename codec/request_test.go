package codec

import (
	"errors"
	"strings"
	"testing"
)

// requests feeds the parser's tests and the seeds of FuzzRequest.
var requests = []struct{ name, in, want string }{
	{"smallest", lines("GET / HTTP/1.0"), `Method="GET" Target="/" Path="/" |`},
	{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", `Method="GET" Target="/" Path="/" Minor=1 Host="a" |`},
	{"CR LF and LF mixed", "GET / HTTP/1.1\r\nHost: a\n\r\n", `Method="GET" Target="/" Path="/" Minor=1 Host="a" |`},
	{"empty lines before it", "\r\n\n\r\n" + lines("GET / HTTP/1.0"), `Method="GET" Target="/" Path="/" |`},
	{"minor above 1", lines("GET / HTTP/1.9"), `Method="GET" Target="/" Path="/" Minor=1 |`},
	{"method nobody knows", lines("BREW / HTTP/1.0"), `Method="BREW" Target="/" Path="/" |`},
	{"method in lower case stays so", lines("get / HTTP/1.0"), `Method="get" Target="/" Path="/" |`},

	{"query", lines("GET /a?b=c?d HTTP/1.0"), `Method="GET" Target="/a?b=c?d" Path="/a" Query="b=c?d" |`},
	{"empty query", lines("GET /a? HTTP/1.0"), `Method="GET" Target="/a?" Path="/a" Query="" |`},
	{"encoder's double slash", lines("POST //pub HTTP/1.1"), `Method="POST" Target="//pub" Path="/pub" Minor=1 |`},
	{"slashes only", lines("GET //// HTTP/1.0"), `Method="GET" Target="////" Path="/" |`},
	{"inner double slash stays", lines("GET /a//b HTTP/1.0"), `Method="GET" Target="/a//b" Path="/a//b" |`},
	{"escapes stay", lines("GET /%41%00 HTTP/1.0"), `Method="GET" Target="/%41%00" Path="/%41%00" |`},
	{"raw UTF-8", lines("GET /grün HTTP/1.0"), `Method="GET" Target="/grün" Path="/grün" |`},
	{"absolute-form", lines("POST http://host:80/path?q HTTP/1.0", "Host: other"),
		`Method="POST" Target="http://host:80/path?q" Path="/path" Query="q" Host="host:80" |`},
	{"absolute-form of another scheme", lines("GET MMSH://host//a HTTP/1.0"),
		`Method="GET" Target="MMSH://host//a" Path="/a" Host="host" |`},
	{"absolute-form without path", lines("GET http://host HTTP/1.0"),
		`Method="GET" Target="http://host" Path="/" Host="host" |`},
	{"absolute-form, query without path", lines("GET http://host?q=/ HTTP/1.0"),
		`Method="GET" Target="http://host?q=/" Path="/" Query="q=/" Host="host" |`},
	{"absolute-form with credentials", lines("GET http://u:p@host/@ HTTP/1.0"),
		`Method="GET" Target="http://u:p@host/@" Path="/@" Host="host" |`},
	{"absolute-form inside a path is a path", lines("GET /http://host/ HTTP/1.0"),
		`Method="GET" Target="/http://host/" Path="/http://host/" |`},
	{"asterisk-form", lines("OPTIONS * HTTP/1.1"), `Method="OPTIONS" Target="*" Path="*" Minor=1 |`},
	{"authority-form", lines("CONNECT host:443 HTTP/1.1"), `Method="CONNECT" Target="host:443" Minor=1 |`},

	{"every field we keep", lines("POST /p HTTP/1.1", "Host: h:1", "User-Agent: WMEncoder/12.0.10011.16384",
		"Content-Type: application/x-wms-pushsetup;charset=UTF-8", "Cookie: push-id=0", "Authorization: Basic eA==",
		"X-Accept-Authentication: NTLM, Digest", "Via: 1.1 a, 1.0 b", "Range: bytes=0-", "Content-Length: 16",
		"Connection: Keep-Alive", "Expect: 100-continue", "Accept: */*"),
		`Method="POST" Target="/p" Path="/p" Minor=1 Host="h:1" UserAgent="WMEncoder/12.0.10011.16384" ` +
			`ContentType="application/x-wms-pushsetup" Cookie="push-id=0" Authorization="Basic eA==" ` +
			`AcceptAuth="NTLM, Digest" Via="1.1 a, 1.0 b" Range="bytes=0-" ContentLength=16 KeepAlive Expect |`},
	{"a browser", lines("GET / HTTP/1.0", "Accept: */*", "accept: text/html,*/*;q=0.8"),
		`Method="GET" Target="/" Path="/" HTML |`},
	{"names in any case", lines("GET / HTTP/1.0", "HOST: a", "user-agent: b", "cOnTeNt-LeNgTh: 0"),
		`Method="GET" Target="/" Path="/" Host="a" UserAgent="b" ContentLength=0 |`},
	{"blanks around values", lines("GET / HTTP/1.0", "Range: \t a b \t ", "Cookie:"),
		`Method="GET" Target="/" Path="/" Cookie="" Range="a b" |`},
	{"of two the first counts", lines("GET / HTTP/1.0", "Range: a", "Range: b"),
		`Method="GET" Target="/" Path="/" Range="a" |`},
	{"host without a value", lines("GET / HTTP/1.1", "Host:"), `Method="GET" Target="/" Path="/" Minor=1 Host="" |`},
	{"host of IPv6 without brackets", lines("GET / HTTP/1.0", "Host: fe80::1%eth0:80"),
		`Method="GET" Target="/" Path="/" Host="fe80::1%eth0:80" |`},
	{"host as it was typed", lines("GET / HTTP/1.0", "Host: u:p@grün_1."),
		`Method="GET" Target="/" Path="/" Host="u:p@grün_1." |`},
	{"host in Latin-1", lines("GET / HTTP/1.0", "Host: gr\xFCn"), `Method="GET" Target="/" Path="/" Host="gr\xfcn" |`},
	{"a list on several lines", lines("GET / HTTP/1.0", "Via: 1.0 a", "via: 1.0 b", "Host: h"),
		`Method="GET" Target="/" Path="/" Host="h" Via="1.0 a" Via="1.0 b" |`},
	{"whom proxies speak for", lines("GET / HTTP/1.0", "x-forwarded-for: a, b", "Forwarded: for=c", "X-FORWARDED-FOR:",
		"X-Forwarded-For: d"),
		`Method="GET" Target="/" Path="/" ForwardedFor="a, b" ForwardedFor="d" Forwarded="for=c" |`},
	{"more of them than we keep", lines("GET / HTTP/1.0", "Forwarded: a", "Forwarded: b", "Forwarded: c", "Forwarded: d",
		"Forwarded: e", "Forwarded: f"),
		`Method="GET" Target="/" Path="/" Forwarded="c" Forwarded="d" Forwarded="e" Forwarded="f" |`},
	{"a name that no buffer holds", lines("GET / HTTP/1.0", strings.Repeat("x", 5000)+": a", "Host: b"),
		`Method="GET" Target="/" Path="/" Host="b" |`},
	{"connection options", lines("GET / HTTP/1.1", "Connection: TE , CLOSE,,", "Connection: keep-alive"),
		`Method="GET" Target="/" Path="/" Minor=1 Close KeepAlive |`},
	{"same content-length twice", lines("POST / HTTP/1.0", "Content-Length: 5", "Content-Length: 05"),
		`Method="POST" Target="/" Path="/" ContentLength=5 |`},
	{"content-length of a PushStart", lines("POST / HTTP/1.1", "Content-Length: 2147483647"),
		`Method="POST" Target="/" Path="/" Minor=1 ContentLength=2147483647 |`},
	{"content-length of 18 digits", lines("POST / HTTP/1.1", "Content-Length: 999999999999999999"),
		`Method="POST" Target="/" Path="/" Minor=1 ContentLength=999999999999999999 |`},
	{"chunked", lines("POST / HTTP/1.1", "Transfer-Encoding: Chunked"),
		`Method="POST" Target="/" Path="/" Minor=1 Chunked |`},
	{"identity is no coding", lines("POST / HTTP/1.0", "Transfer-Encoding: identity", "Content-Length: 1"),
		`Method="POST" Target="/" Path="/" ContentLength=1 |`},
	{"another expectation", lines("POST / HTTP/1.1", "Expect: the worst"), `Method="POST" Target="/" Path="/" Minor=1 |`},
	{"pragmas of all fields together", lines("GET / HTTP/1.0", "Pragma: no-cache,client-id=7", "PRAGMA:xplaystrm=1"),
		`Method="GET" Target="/" Path="/" | Play=1 HasClientID ClientID=7`},

	{"WMP 12 Describe", lines("GET /live HTTP/1.1", "Accept: */*", "User-Agent: NSPlayer/12.0.7601.17514", "Host: h",
		"X-Accept-Authentication: Negotiate, NTLM, Digest, Basic", "Pragma: version11-enabled=1",
		"Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,packet-num=4294967295,max-duration=0",
		"Pragma: packet-pair-experiment=1", "Pragma: pipeline-experiment=1",
		"Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch",
		"Pragma: xClientGUID={3300AD50-2C39-46C0-AE0A-5E0B6EFB86CF}", "Accept-Language: en-us, *;q=0.1",
		"Connection: Keep-Alive"),
		`Method="GET" Target="/live" Path="/live" Minor=1 Host="h" UserAgent="NSPlayer/12.0.7601.17514" ` +
			`AcceptAuth="Negotiate, NTLM, Digest, Basic" KeepAlive | Version11 PacketPair Pipeline ` +
			`GUID="{3300AD50-2C39-46C0-AE0A-5E0B6EFB86CF}"`},
	{"WMP 12 Play", lines("GET /live HTTP/1.1", "User-Agent: NSPlayer/12.0.7601.17514",
		"Pragma: xPlayStrm=1", "Pragma: client-id=4294967295", "Pragma: LinkBW=2147483647, AccelBW=1048576, Speed=5.0",
		"Pragma: stream-switch-count=2", "Pragma: stream-switch-entry=ffff:1:0 ffff:2:2 "),
		`Method="GET" Target="/live" Path="/live" Minor=1 UserAgent="NSPlayer/12.0.7601.17514" ` +
			`| Play=1 HasClientID ClientID=4294967295 SwitchEntry="ffff:1:0 ffff:2:2"`},
	{"WMP 6.4 log", lines("POST /live HTTP/1.0", "User-Agent: NSPlayer/4.1.0.3857", "Content-Type: text/plain",
		"Content-Length: 0", "Pragma: client-id=3", "Pragma: log-line=0.0.0.0 2003-09-27 15:04:13 - - a,b 0 1 1 200 "),
		`Method="POST" Target="/live" Path="/live" UserAgent="NSPlayer/4.1.0.3857" ContentType="text/plain" ` +
			`ContentLength=0 | HasClientID ClientID=3 LogLine="0.0.0.0 2003-09-27 15:04:13 - - a,b 0 1 1 200"`},
}

func TestParseRequest(t *testing.T) {
	for _, c := range requests {
		t.Run(c.name, func(t *testing.T) { checkRequest(t, []byte(c.in), len(c.in), c.want) })
	}
}

// checkRequest parses in, whose head is n bytes long, whole, with something behind it, and cut at each byte.
func checkRequest(t *testing.T, in []byte, n int, want string) {
	t.Helper()
	var r Request
	for _, b := range [][]byte{in[:n], append(in[:n:n], "GET"...)} {
		got, err := ParseRequest(b, maxHead, &r)
		if err != nil || got != n {
			t.Fatalf("n %d, %v; want n %d", got, err, n)
		}
		if got := show(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		checkAliases(t, b, r)
	}
	for i := range n {
		if got, err := ParseRequest(in[:i:i], maxHead, &r); got != 0 || err != ErrShort {
			t.Fatalf("cut at %d: n %d, %v; want 0, ErrShort", i, got, err)
		}
	}
}

var badRequests = []struct {
	name, in string
	is       error  // nil: no sentinel
	text     string // in the error
}{
	{"HTTP/0.9", "GET /\r\n", ErrVersion, "without a version"},
	{"HTTP/0.9 without CR", "GET /\n", ErrVersion, "without a version"},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrVersion, "HTTP/2.0"},
	{"HTTP/2 preface, first line", "PRI * HTTP/2.0\r\n", ErrVersion, "HTTP/2.0"},
	{"version 0.9 spelled out", "GET / HTTP/0.9\r\n", ErrVersion, "HTTP/0.9"},
	{"two-digit minor", "GET / HTTP/1.10\r\n", ErrVersion, "HTTP/1.10"},
	{"version without minor", "GET / HTTP/1\r\n", ErrVersion, "HTTP/1"},
	{"minor is a letter", "GET / HTTP/1.x\r\n", ErrVersion, "HTTP/1.x"},
	{"comma for a point", "GET / HTTP/1,1\r\n", ErrVersion, "HTTP/1,1"},
	{"another protocol's version", "DESCRIBE rtsp://h/a RTSP/1.0\r\n", nil, "RTSP/1.0"},
	{"version in lower case", "GET / http/1.0\r\n", nil, "http/1.0"},
	{"blank behind the version", "GET / HTTP/1.0 \r\n", ErrVersion, "HTTP/1.0 "},
	{"MMS over TCP", "\x01\x00\x00\x00\xCE\xFA\x0B\xB0", ErrMMST, ""},
	{"nearly MMS over TCP", "\x01\x00\x00\x00\xCE\xFA\x0B\xB1", nil, "first byte 0x01"},
	{"TLS", "\x16\x03\x01", nil, "first byte 0x16"},
	{"frames without a request", "$H\xE8\x15\x00\x00\x00\x00\x00\x0C\xE8\x15\n", nil, "no token"}, // $ may begin a token

	{"only a method", "GET\r\n", nil, "target"},
	{"two spaces", "GET  / HTTP/1.0\r\n", nil, "target"},
	{"space before the method", " GET / HTTP/1.0\r\n", nil, "first byte 0x20"},
	{"space in the target", "GET /a b HTTP/1.0\r\n", nil, `"b HTTP/1.0"`},
	{"tab in the target", "GET /a\tb HTTP/1.0\r\n", nil, "target"},
	{"NUL in the target", "GET /a\x00b HTTP/1.0\r\n", nil, "target"},
	{"DEL in the target", "GET /a\x7Fb HTTP/1.0\r\n", nil, "target"},
	{"lone CR in the line", "GET /a\rb HTTP/1.0\r\n", nil, "target"},
	{"NUL in the method", "GE\x00T / HTTP/1.0\r\n", nil, "method"},
	{"colon in the method", "Host: a\r\n", nil, "method"},
	{"target without slash", "GET live HTTP/1.0\r\n", nil, "neither"},
	{"URL without host", "GET http:///live HTTP/1.0\r\n", nil, "no host"},
	{"URL without host, with user", "GET http://u@/live HTTP/1.0\r\n", nil, "no host"},
	{"URL without scheme", "GET ://host/ HTTP/1.0\r\n", nil, "neither"},
	{"asterisk with more", "OPTIONS *a HTTP/1.0\r\n", nil, "neither"},

	{"folded line", lines("GET / HTTP/1.0", "Pragma: a,", " xPlayStrm=1"), nil, "folded"},
	{"line folded by a tab", lines("GET / HTTP/1.0", "Pragma: a,", "\txPlayStrm=1"), nil, "folded"},
	{"first field folded", lines("GET / HTTP/1.0", " Host: a"), nil, "folded"},
	{"space before the colon", lines("GET / HTTP/1.0", "Content-Length : 5"), nil, "no token"},
	{"tab before the colon", lines("GET / HTTP/1.0", "Content-Length\t: 5"), nil, "no token"},
	{"no colon", lines("GET / HTTP/1.0", "Host"), nil, "no colon"},
	{"no name", lines("GET / HTTP/1.0", ": a"), nil, "no token"},
	{"NUL in a name", lines("GET / HTTP/1.0", "Ho\x00st: a"), nil, "no token"},
	{"control character in a name", lines("GET / HTTP/1.0", "Ho\x1Bst: a"), nil, "no token"},
	{"UTF-8 in a name", lines("GET / HTTP/1.0", "Höst: a"), nil, "no token"},
	{"NUL in a value", lines("GET / HTTP/1.0", "Host: a\x00b"), nil, "NUL or CR"},
	{"lone CR in a value", lines("GET / HTTP/1.0", "Host: a\rX-Evil: b"), nil, "NUL or CR"},
	{"CR CR LF", "GET / HTTP/1.0\r\nHost: a\r\r\n\r\n", nil, "NUL or CR"},
	{"CR CR LF for the empty line", "GET / HTTP/1.0\r\n\r\r\n\r\n", nil, "no colon"},

	{"two hosts", lines("GET / HTTP/1.1", "Host: a", "host: b"), nil, "host: 2"},
	{"the same host twice", lines("GET / HTTP/1.0", "Host: a", "Host: a"), nil, "host: 2"},
	{"two hosts, the first empty", lines("GET / HTTP/1.1", "Host:", "Host: a"), nil, "host: 2"},
	{"two hosts beside an absolute-form", lines("GET http://a/ HTTP/1.1", "Host: a", "Host: b"), nil, "host: 2"},
	{"blank in a host", lines("GET / HTTP/1.0", "Host: a b"), nil, "blank"},
	{"tab in a host", lines("GET / HTTP/1.0", "Host: a\tb"), nil, "blank"},
	{"DEL in a host", lines("GET / HTTP/1.0", "Host: a\x7F"), nil, "control"},
	{"URL for a host", lines("GET / HTTP/1.0", "Host: http://a/"), nil, "slash"},

	{"two content-lengths", lines("POST / HTTP/1.0", "Content-Length: 5", "Content-Length: 6"), nil, "5 and 6"},
	{"list of content-lengths", lines("POST / HTTP/1.0", "Content-Length: 5, 5"), nil, "content-length"},
	{"negative content-length", lines("POST / HTTP/1.0", "Content-Length: -1"), nil, "content-length"},
	{"content-length with a plus", lines("POST / HTTP/1.0", "Content-Length: +1"), nil, "content-length"},
	{"hexadecimal content-length", lines("POST / HTTP/1.0", "Content-Length: 0x10"), nil, "content-length"},
	{"empty content-length", lines("POST / HTTP/1.0", "Content-Length:"), nil, "content-length"},
	{"content-length over int64", lines("POST / HTTP/1.0", "Content-Length: 9223372036854775808"), nil, "18 digits"},
	{"content-length over uint64", lines("POST / HTTP/1.0", "Content-Length: 18446744073709551621"), nil, "18 digits"},
	{"length and chunks", lines("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), nil,
		"content-length 5"},
	{"chunks and length", lines("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 0"), nil,
		"content-length 0"},
	{"chunks in HTTP/1.0", lines("POST / HTTP/1.0", "Transfer-Encoding: chunked"), nil, "HTTP/1.0"},
	{"chunked twice", lines("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), nil, "once"},
	{"gzip", lines("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked"), nil, "gzip"},
	{"chunked behind a vertical tab", lines("POST / HTTP/1.1", "Transfer-Encoding: \vchunked"), nil, "chunked"},

	{"too many fields", "GET / HTTP/1.0\r\n" + strings.Repeat("a:b\r\n", maxFields+1) + "\r\n", ErrTooLarge,
		"more than 64"},
	{"head too long", "GET / HTTP/1.0\r\nA: " + strings.Repeat("a", maxHead) + "\r\n\r\n", ErrTooLarge, "16384"},
	{"request line too long", lines("GET /"+strings.Repeat("a", maxLine), "Host: a"), ErrLongLine, "4096"},
	{"request line without end", "GET /" + strings.Repeat("a", maxHead), ErrLongLine, "4096"},
	{"Via too long", lines("GET / HTTP/1.0", "Via: 1.0 "+strings.Repeat("a", 600), "Via: 1.0 "+strings.Repeat("a", 600)),
		ErrTooLarge, "1024"},
	{"Via too long in one field", lines("GET / HTTP/1.0", "Via: 1.0 "+strings.Repeat("a", 1024)), ErrTooLarge, "1024"},
	{"nothing but empty lines", strings.Repeat("\r\n", maxHead/2), ErrTooLarge, "4 empty lines"},
}

func TestParseRequestBad(t *testing.T) {
	for _, c := range badRequests {
		t.Run(c.name, func(t *testing.T) {
			var r Request
			in := []byte(c.in)
			n, err := ParseRequest(in, maxHead, &r)
			if n != 0 || err == nil || err == ErrShort || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("n %d, %v; want 0 and an error with %q", n, err, c.text)
			}
			for _, s := range []error{ErrVersion, ErrTooLarge, ErrLongLine, ErrMMST} {
				if got := errors.Is(err, s); got != (s == c.is) {
					t.Errorf("%v: is %v: %t", err, s, got)
				}
			}
			for i := range in {
				if n, err := ParseRequest(in[:i], maxHead, &r); err == nil {
					t.Fatalf("cut at %d: a request of %d bytes", i, n)
				}
			}
		})
	}
}

func TestRequestLimit(t *testing.T) {
	in := []byte(lines("GET / HTTP/1.0", "Host: a"))
	var r Request
	if n, err := ParseRequest(append(in, "more"...), len(in), &r); n != len(in) || err != nil {
		t.Errorf("head as long as the limit: n %d, %v", n, err)
	}
	if _, err := ParseRequest(in, len(in)-1, &r); !errors.Is(err, ErrTooLarge) {
		t.Errorf("head one byte longer than the limit: %v", err)
	}
	if _, err := ParseRequest(in[:len(in)-2], len(in)-2, &r); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit reached without an end: %v", err)
	}
	line := "GET /" + strings.Repeat("a", maxLine-len("GET / HTTP/1.0")) + " HTTP/1.0\r\n"
	if n, err := ParseRequest([]byte(line+"\r\n"), maxHead, &r); n != len(line)+2 || err != nil {
		t.Errorf("line of %d bytes: n %d, %v", maxLine, n, err)
	}
	if _, err := ParseRequest([]byte(line[:len(line)-1]), maxHead, &r); err != ErrShort {
		t.Errorf("the same without its LF: %v, want ErrShort", err)
	}
	full := "GET / HTTP/1.0\r\n" + strings.Repeat("a:b\r\n", maxFields) + "\r\n"
	if n, err := ParseRequest([]byte(full), maxHead, &r); n != len(full) || err != nil {
		t.Errorf("%d fields: n %d, %v", maxFields, n, err)
	}
}

// TestPipelinedRequests sends what WMP sends back to back when it probes for pipelining, with a body in between.
func TestPipelinedRequests(t *testing.T) {
	const body = "<XML>"
	in := []byte(lines("GET /a HTTP/1.1", "Pragma: pipeline-request=1", "Pragma: client-id=9") +
		lines("POST /b HTTP/1.1", "Content-Length: 5") + body + "\r\n" +
		lines("OPTIONS * HTTP/1.1"))
	var paths []string
	for len(in) > 0 {
		var r Request
		n, err := ParseRequest(in, maxHead, &r)
		if err != nil {
			t.Fatalf("after %q: %v", paths, err)
		}
		paths = append(paths, string(r.Path))
		in = in[n+int(max(r.ContentLength, 0)):]
	}
	if got, want := strings.Join(paths, " "), "/a /b *"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A parse that allocates is paid by every request of every viewer, and by whoever sends them in a flood.
func TestParseRequestAllocs(t *testing.T) {
	heads := readCaptures(t, "request")
	for _, c := range requests {
		heads[c.name] = []byte(c.in)
	}
	for name, in := range heads {
		var r Request
		allocs := testing.AllocsPerRun(10, func() {
			if _, err := ParseRequest(in, maxHead, &r); err != nil {
				t.Fatal(err)
			}
			if _, err := ParseRequest(in[:20], maxHead, &r); err != ErrShort && len(in) > 20 {
				t.Fatal(err)
			}
			ParseAgent(r.UserAgent)
			CookieValue(r.Cookie, "push-id")
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	in := readCaptures(b, "request")["ffmpeg-play"]
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		if _, err := ParseRequest(in, maxHead, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, c := range requests {
		addSeed(f, []byte(c.in))
	}
	for _, c := range badRequests {
		addSeed(f, []byte(c.in))
	}
	for _, in := range readCaptures(f, "request") {
		addSeed(f, in[:min(len(in), 1024)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Request
		n, err := ParseRequest(b, maxHead, &r)
		if err != nil {
			if n != 0 {
				t.Fatalf("n %d with %v", n, err)
			}
			if err == ErrShort && len(b) > 0 {
				checkPrefixes(t, b, func(b []byte) error { _, err := ParseRequest(b, maxHead, &again); return err })
			}
			return
		}
		if n <= 0 || n > len(b) || n > maxHead {
			t.Fatalf("n %d of %d bytes", n, len(b))
		}
		if len(r.Path) == 0 && !fold(r.Method, "connect") {
			t.Errorf("no path in %q", r.Target)
		}
		if r.Chunked && r.ContentLength >= 0 {
			t.Errorf("chunks and content-length %d", r.ContentLength)
		}
		checkAliases(t, b[:n], r)
		k, err := ParseRequest(b[:n:n], maxHead, &again)
		if k != n || err != nil || show(again) != show(r) {
			t.Errorf("again: n %d, %v\ngot  %s\nwant %s", k, err, show(again), show(r))
		}
		checkPrefixes(t, b[:n], func(b []byte) error { _, err := ParseRequest(b, maxHead, &again); return err })
	})
}

// checkPrefixes fails if parse finds something in a part of what is not more than one thing itself. Long inputs are
// cut at some places only.
func checkPrefixes(t *testing.T, b []byte, parse func([]byte) error) {
	t.Helper()
	for i := 0; i < len(b); i += 1 + len(b)/256 {
		if parse(b[:i:i]) == nil {
			t.Fatalf("%q is short or whole, but its first %d bytes are whole", b, i)
		}
	}
}
