package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/codec"
)

// A stage is a network of scripted upstreams around one puller. It lives in a synctest bubble: time is not real, and no
// test here waits.
type stage struct {
	t      *testing.T
	st     *stream
	puller *puller
	hosts  map[string]script // by host:port

	mu    sync.Mutex
	asked []string // "a.example:80 describe", in order
	dials map[string]int
}

// A script serves one connection. When it returns the connection is closed.
type script func(c *call)

// A call is a request that an upstream got.
type call struct {
	net.Conn
	n    int // of the connection to this host, from 1
	play bool
	head string
}

func (c *call) say(parts ...[]byte) {
	for _, p := range parts {
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}

// hold keeps the connection open until the puller closes it.
func (c *call) hold() { io.Copy(io.Discard, c) }

// newStage has a stream that pulls from these URLs.
func newStage(t *testing.T, urls ...string) *stage {
	s := &stage{t: t, hosts: map[string]script{}, dials: map[string]int{}}
	s.st = fedStream(t, StreamConfig{Path: "x", Type: typePull, URLs: urls}, nil)
	p, err := newPuller(s.st, DefaultConfig(), newNode())
	if err != nil {
		t.Fatal(err)
	}
	p.dialer.connect = s.connect
	s.puller = p
	return s
}

func (s *stage) connect(ctx context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials[addr]++
	serve := s.hosts[addr]
	if serve == nil {
		s.asked = append(s.asked, addr+" refused")
		return nil, syscall.ECONNREFUSED
	}
	ours, theirs := net.Pipe()
	go s.serve(&call{Conn: theirs, n: s.dials[addr]}, addr, serve)
	return ours, nil
}

func (s *stage) serve(c *call, addr string, serve script) {
	defer c.Close()
	in := newWindow(c, maxHead)
	var r codec.Request
	for {
		if _, err := codec.ParseRequest(in.bytes(), maxHead, &r); err == nil {
			break
		}
		if in.fill() != nil {
			return
		}
	}
	c.play, c.head = r.Pragma.Play == 1, string(in.bytes())
	s.mu.Lock()
	s.asked = append(s.asked, addr+map[bool]string{false: " describe", true: " play"}[c.play])
	s.mu.Unlock()
	serve(c)
}

// requests are what was asked so far.
func (s *stage) requests() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// seen are the headers (h) and packets in the stream's chain so far.
func (s *stage) seen() string {
	synctest.Wait()
	var list []string
	for _, e := range elements(s.st.chainStart) {
		switch e.kind {
		case headerElement:
			list = append(list, "h")
		case packetElement:
			list = append(list, fmt.Sprint(packetNumber(e.full)))
		case endElement:
			list = append(list, "end")
		}
	}
	return strings.Join(list, " ")
}

const (
	wmsDescribe = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nPragma: no-cache, client-id=77, features=\"broadcast\"\r\n" +
		"Content-Type: application/vnd.ms.wms-hdr.asfv1\r\nContent-Length: %d\r\n\r\n%s"
	wmsPlay  = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nContent-Type: application/x-mms-framed\r\n\r\n"
	vlcReply = "HTTP/1.0 200 OK\r\nContent-type: application/octet-stream\r\nServer: Cougar 4.1.0.3921\r\nPragma: no-cache\r\n" +
		"Pragma: client-id=1234\r\nPragma: features=\"broadcast\"\r\n\r\n"
	ffmpegReply = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// wms serves as Windows Media does; after the packets comes then.
func wms(packets [][]byte, then func(c *call)) script {
	return func(c *call) {
		if !c.play {
			c.say(fmt.Appendf(nil, wmsDescribe, len(fullHeader), fullHeader))
			return
		}
		c.say([]byte(wmsPlay), fullHeader)
		c.say(packets...)
		then(c)
	}
}
