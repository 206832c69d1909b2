package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
)

// A script is a server with one fault at a time: how it answers, and what its stream is.
type script struct {
	status     string // status line without the version
	said       string // the body behind a status that is no success
	fields     string // lines, instead of those of a pump
	header     []byte
	describe   []byte // the body behind a Describe; nil: the header as one $H
	behind     []byte // what follows it
	open       bool   // the connection stays open behind a Describe
	lateEnd    bool   // that end comes later than usual
	chunked    bool   // the stream comes in chunks
	silent     bool   // the stream does not come
	lateHeader bool   // the header of the stream comes when a client has watched for as long as it wants to
	media      string
	check      func(r *http.Request) (status string, fields string) // "": go on
}

const goodFields = "Server: Rex/9.0.0.2980\r\nPragma: no-cache, client-id=7, features=\"broadcast\"\r\n"

// serve begins to listen, and returns the address.
func (s *script) serve(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return s.serveOn(t, l)
}

func (s *script) serveOn(t *testing.T, l net.Listener) string {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.answer(conn)
		}
	}()
	return l.Addr().String()
}

func (s *script) answer(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patient))
	var b []byte
	var r codec.Request
	for {
		part := make([]byte, 4096)
		n, err := conn.Read(part)
		if err != nil {
			return
		}
		b = append(b, part[:n]...)
		if _, err = codec.ParseRequest(b, 16<<10, &r); err == nil {
			break
		}
	}
	if s.check != nil {
		q, _ := http.NewRequest("GET", "http://x"+string(r.Target), nil)
		q.Header.Set("User-Agent", string(r.UserAgent))
		q.Header.Set("Authorization", string(r.Authorization))
		if status, fields := s.check(q); status != "" {
			fmt.Fprintf(conn, "HTTP/1.0 %s\r\n%s\r\n", status, fields)
			return
		}
	}
	status, fields, media := s.status, s.fields, s.media
	if status == "" {
		status = "200 OK"
	}
	if fields == "" {
		fields = goodFields
	}
	if media == "" {
		media = "application/octet-stream"
	}
	fmt.Fprintf(conn, "HTTP/1.0 %s\r\n%sContent-Type: %s\r\n", status, fields, media)
	if !strings.HasPrefix(status, "200") {
		fmt.Fprintf(conn, "\r\n%s", s.said)
		return
	}
	raw := !strings.HasPrefix(string(r.UserAgent), "NSPlayer")
	if r.Pragma.Play == 1 || raw {
		s.play(conn, raw)
		return
	}
	body := s.describe
	if body == nil {
		body = codec.AppendHeader(nil, s.header)
	}
	fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n", len(body)+len(s.behind))
	conn.Write(append(bytes.Clone(body), s.behind...))
	if s.lateEnd {
		time.Sleep(1200 * time.Millisecond)
	}
	if s.open {
		conn.Read(make([]byte, 1)) // until the client goes
	}
}

func (s *script) play(conn net.Conn, raw bool) {
	if s.chunked {
		fmt.Fprint(conn, "Transfer-Encoding: chunked\r\n")
	}
	fmt.Fprint(conn, "\r\n")
	if s.silent {
		conn.Read(make([]byte, 1))
		return
	}
	if s.lateHeader {
		time.Sleep(2 * watch)
	}
	write := func(b []byte) error {
		if s.chunked {
			b = fmt.Appendf(nil, "%x\r\n%s\r\n", len(b), b)
		}
		_, err := conn.Write(b)
		return err
	}
	if raw {
		write(s.header)
	} else {
		write(codec.AppendHeader(nil, s.header))
	}
	for i := uint32(0); ; i++ {
		p := asftest.Packet(i, 1000+i*40, i%10 == 0, asftest.PacketSize, 60)
		if !raw {
			b := make([]byte, codec.PrefixLen)
			codec.PutDataPrefix(b, 'D', i, uint8(i), len(p))
			p = append(b, p...)
		}
		if write(p) != nil {
			return
		}
		if i >= 100 { // what there is at once
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// patience is short where it has to run out.
func (s *script) patience() time.Duration {
	if s.silent || s.open {
		return 700 * time.Millisecond
	}
	return patient
}

const (
	patient = time.Minute
	watch   = 100 * time.Millisecond
)

// good is a server that has no fault.
func good() *script { return &script{header: asftest.Header(asftest.PacketSize, 320)} }

// examine plays a script's stream.
func examine(t *testing.T, s *script) *Report {
	t.Helper()
	return examineURL(t, "mmsh://"+s.serve(t)+"/streams/x", s.patience())
}

func examineURL(t *testing.T, url string, patience time.Duration) *Report {
	t.Helper()
	o := Options{URL: url, Watch: watch, Patience: patience}
	r, err := Examine(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
