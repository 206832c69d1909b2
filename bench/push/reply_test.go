package push

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	for _, c := range []struct {
		name, in string
		status   int
		closes   bool
	}{
		{"success", "HTTP/1.1 204 No Content\r\nServer: Cougar/9.01.01.3814\r\nContent-Length: 0\r\n\r\n", 204, false},
		{"no length on 204", "HTTP/1.1 204 No Content\r\nServer: Cougar/9.01.01.3814\r\n\r\n", 204, false},
		{"body", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", 404, false},
		{"body to the end", "HTTP/1.1 404 Not Found\r\n\r\nhello", 404, true},
		{"close", "HTTP/1.1 204 x\r\nConnection: Close\r\n\r\n", 204, true},
		{"1.0", "HTTP/1.0 204 x\r\n\r\n", 204, true},
		{"1.0 kept", "HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n\r\n", 204, false},
		{"no reason, bare LF", "HTTP/1.1 204\nA: b\n\n", 204, false},
	} {
		rep, err := readReply(bufio.NewReader(strings.NewReader(c.in)))
		if err != nil || rep.status != c.status || rep.closes != c.closes {
			t.Errorf("%s: got %+v, %v", c.name, rep, err)
		}
	}
}

func TestReplyCutAtEveryByte(t *testing.T) {
	const in = "HTTP/1.1 401 Unauthorized\r\nServer: Rex/9.0\r\nContent-Length: 3\r\n\r\nabc"
	for n := range len(in) {
		_, err := readReply(bufio.NewReader(strings.NewReader(in[:n])))
		want := io.ErrUnexpectedEOF
		if n == 0 && err != io.EOF || n > 0 && (err == nil || !strings.Contains(err.Error(), want.Error())) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

func TestReplyRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"no HTTP":          "ICY 200 OK\r\n\r\n",
		"HTTP/2":           "HTTP/2 200 OK\r\n\r\n",
		"status of 4":      "HTTP/1.1 2000 OK\r\n\r\n",
		"status of words":  "HTTP/1.1 abc OK\r\n\r\n",
		"field, no colon":  "HTTP/1.1 200 OK\r\nServer\r\n\r\n",
		"negative length":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"length of words":  "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"body too large":   "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
		"line too long":    "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxReplyLine) + "\r\n\r\n",
		"too many fields":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxReplyLines+1) + "\r\n",
		"garbage, no line": strings.Repeat("\xff", 10000),
	} {
		if rep, err := readReply(bufio.NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("%s: accepted: %+v", name, rep)
		}
	}
}

// Windows Media Encoder compares names with their case.
func TestReplyFieldCase(t *testing.T) {
	const answer = "HTTP/1.1 204 x\r\nset-cookie: push-id=1\r\nServer: a\r\nServer: b\r\n\r\n"
	rep, err := readReply(bufio.NewReader(strings.NewReader(answer)))
	if err != nil {
		t.Fatal(err)
	}
	if got := rep.field("Set-Cookie"); got != "" {
		t.Errorf("Set-Cookie %q", got)
	}
	if got := rep.miscased("Set-Cookie"); got != "set-cookie" {
		t.Errorf("miscased %q", got)
	}
	if got := rep.all("Server"); len(got) != 2 || rep.field("Server") != "a" || rep.miscased("Server") != "" {
		t.Errorf("Server %q", got)
	}
}
