package push

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakePump takes pushes and keeps what it got. Its behaviour is set before it starts.
type fakePump struct {
	ln      net.Listener
	setup   func(p *fakePump, head string) string // the answer to a setup; nil: success
	hangUp  int                                   // close the first push without warning after so many $D
	vanish  bool                                  // and take no connections any more then
	early   string                                // answer that after the first $D instead of reading on
	wait    sync.WaitGroup
	mu      sync.Mutex
	heads   []string
	setups  []string // their bodies
	starts  []*fakeStart
	ended   int // $E frames
	headers int
	packets [][]byte
}

// A fakeStart is one PushStart.
type fakeStart struct {
	first  byte // type of its first frame
	bytes  int64
	length int64
	fill   int64
}

const goodSetup = "HTTP/1.1 204 No Content\r\nServer: Cougar/9.01.01.3814\r\nSet-Cookie: push-id=777; path=/\r\n" +
	"Content-Length: 0\r\n\r\n"

func (p *fakePump) start(t *testing.T) *url.URL {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.ln = ln
	p.wait.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.wait.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { ln.Close(); p.wait.Wait() })
	return &url.URL{
		Scheme: "http", Host: ln.Addr().String(), Path: "/streams/x_push", User: url.UserPassword("encoder", "secret"),
	}
}

func (p *fakePump) serve(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	for {
		head, length, err := readPost(r)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.heads = append(p.heads, head)
		p.mu.Unlock()
		if strings.Contains(head, "x-wms-pushsetup") {
			err = p.serveSetup(conn, r, head, length)
		} else {
			err = p.serveStart(conn, r, length)
		}
		if err != nil {
			return
		}
	}
}

func (p *fakePump) serveSetup(conn net.Conn, r io.Reader, head string, length int64) error {
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setups = append(p.setups, string(body))
	answer := goodSetup
	if p.setup != nil {
		answer = p.setup(p, head)
	}
	_, err := io.WriteString(conn, answer)
	return err
}

var errHangUp = errors.New("hang up")

// serveStart reads frames to the end of the body and answers it.
func (p *fakePump) serveStart(conn net.Conn, r io.Reader, length int64) error {
	s := &fakeStart{length: length}
	p.mu.Lock()
	p.starts = append(p.starts, s)
	p.mu.Unlock()
	for s.bytes < s.length {
		kind, body, err := readPushFrame(r)
		if err != nil {
			return err
		}
		if err := p.frame(conn, s, kind, body); err != nil {
			return err
		}
	}
	_, err := io.WriteString(conn, strings.Replace(goodSetup, "777", "778", 1))
	return err
}

func (p *fakePump) frame(conn net.Conn, s *fakeStart, kind byte, body []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.bytes == 0 {
		s.first = kind
	}
	s.bytes += int64(frameHead + len(body))
	switch kind {
	case 'H':
		p.headers++
	case 'F':
		s.fill += int64(frameHead + len(body))
	case 'E':
		p.ended++
	case 'D':
		p.packets = append(p.packets, body)
		if len(p.packets) == p.hangUp {
			if p.vanish {
				p.ln.Close()
			}
			return errHangUp
		}
		if len(p.packets) == 1 && p.early != "" {
			io.WriteString(conn, p.early)
		}
	}
	return nil
}

func readPost(r *bufio.Reader) (head string, length int64, err error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", 0, err
		}
		if line == "\r\n" {
			return head, length, nil
		}
		head += line
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if length, err = strconv.ParseInt(strings.TrimSpace(v), 10, 64); err != nil {
				return "", 0, err
			}
		}
	}
}

func readPushFrame(r io.Reader) (byte, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0] != 0x24 {
		return 0, nil, fmt.Errorf("frame %x", head)
	}
	body := make([]byte, binary.LittleEndian.Uint16(head[2:]))
	_, err := io.ReadFull(r, body)
	return head[1], body, err
}
