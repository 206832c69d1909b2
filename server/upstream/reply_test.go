package upstream

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// Heads of real upstreams and odd ones, and what the body after them is.
var replies = []struct {
	name string
	text string
	want reply
	body string
}{
	{
		"VLC, describe", "HTTP/1.0 200 OK\r\nContent-type: application/octet-stream\r\nServer: Cougar 4.1.0.3921\r\n" +
			"Pragma: no-cache\r\n" +
			"Pragma: client-id=5678\r\nPragma: features=\"broadcast\"\r\n\r\nbody",
		reply{status: 200, reason: "OK", server: "Cougar 4.1.0.3921", media: "application/octet-stream", clientID: 5678,
			known: true, length: -1},
		"body",
	},
	{
		"FFmpeg", "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n" +
			"bod\r\n1;x\r\ny\r\n0\r\n\r\nafter",
		reply{status: 200, reason: "OK", media: "application/octet-stream", chunked: true, length: -1},
		"body",
	},
	{
		"pump, describe", "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nCache-Control: no-cache\r\n" +
			"Pragma: no-cache,client-id=7,features=\"broadcast\"\r\n" +
			"Via: 1.0 pumpd-2\r\nContent-Type: application/vnd.ms.wms-hdr.asfv1\r\nContent-Length: 4\r\nConnection: close\r\n" +
			"\r\nbodyafter",
		reply{status: 200, reason: "OK", server: "Rex/9.0.0.2980", media: "application/vnd.ms.wms-hdr.asfv1",
			via: "1.0 pumpd-2", clientID: 7, known: true, length: 4},
		"body",
	},
	{
		"redirect", "HTTP/1.1 302 Found\r\nLocation: mmsh://b.example/x\r\nContent-Length: 0\r\n\r\n",
		reply{status: 302, reason: "Found", location: "mmsh://b.example/x", length: 0}, "",
	},
	{
		"challenge", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"x\"\r\n" +
			"Content-Length: 0\r\n\r\n",
		reply{status: 401, reason: "Unauthorized", challenge: "Basic realm=\"x\"", length: 0}, "",
	},
	{
		"interim answers before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
		reply{status: 200, reason: "OK", length: 4}, "body",
	},
	{
		"no reason, bare line feeds, no fields", "HTTP/1.0 200\n\nbody",
		reply{status: 200, length: -1}, "body",
	},
	{
		"ffserver", "HTTP/1.0 200 OK\r\nServer: Cougar 4.1.0.3923\r\nCache-Control: no-cache\r\nPragma: client-id=-5\r\n" +
			"Pragma: features=\"broadcast\"\r\nContent-Type: video/x-ms-asf\r\n\r\nbody",
		reply{status: 200, reason: "OK", server: "Cougar 4.1.0.3923", media: "video/x-ms-asf", clientID: 1<<32 - 5,
			known: true, length: -1},
		"body",
	},
	{
		"a camera", "HTTP/1.0 200\nServer : cam\nno colon\nContent-Length: -1\nContent-Type:\n video/x-ms-asf\n\nbody",
		reply{status: 200, server: "cam", media: "video/x-ms-asf", length: -1}, "body",
	},
	{
		"chunks with bare line feeds", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nbod\n1 ;x\r\ny\r\n0\n\n",
		reply{status: 200, reason: "OK", chunked: true, length: -1}, "body",
	},
	{
		"ends behind the status line", "HTTP/1.0 503 Service Unavailable\r\n",
		reply{status: 503, reason: "Service Unavailable", length: -1}, "",
	},
	{
		"ends within a field", "HTTP/1.0 302 Found\r\nServer: a\r\nLocation: http://b.exam",
		reply{status: 302, reason: "Found", server: "a", length: -1}, "",
	},
}

func TestReadReply(t *testing.T) {
	for _, tt := range replies {
		t.Run(tt.name, func(t *testing.T) {
			for name, from := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tt.text)),
			} {
				got, body, err := readReply(from)
				tt.want.closes = got.closes // of a push only
				if err != nil || *got != tt.want {
					t.Fatalf("%s: got %+v, %v, want %+v", name, got, err, tt.want)
				}
				if b, err := io.ReadAll(body); string(b) != tt.body || err != nil {
					t.Errorf("%s: body %q, %v, want %q", name, b, err, tt.body)
				}
			}
		})
	}
}

func TestReadReplyCut(t *testing.T) {
	for _, tt := range replies {
		t.Run(tt.name, func(t *testing.T) {
			for n := range len(tt.text) {
				_, body, err := readReply(strings.NewReader(tt.text[:n]))
				if err != nil {
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Fatalf("cut to %d bytes: %v, want an unexpected EOF", n, err)
					}
					continue
				}
				if b, _ := io.ReadAll(body); !strings.HasPrefix(tt.body, string(b)) {
					t.Fatalf("cut to %d bytes: body %q, want the start of %q", n, b, tt.body)
				}
			}
		})
	}
}

func TestReadReplyRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"not HTTP", "SSH-2.0-OpenSSH\r\n\r\n"},
		{"no end", "HTTP/1.0 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<14)},
		{"a line without an end", "HTTP/1.0 200 OK\r\nX: " + strings.Repeat("y", 1<<16)},
		{"interim answers without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000)},
		{"two lengths", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
		{"length of words", "HTTP/1.0 200 OK\r\nContent-Length: long\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r, _, err := readReply(strings.NewReader(tt.text)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %+v, %v, want an error about the reply", r, err)
			}
		})
	}
}
