package upstream

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// A request is what a viewer wants.
type request struct {
	mmsh, play, metacube bool
}

const maxRequest = 16384 // bytes of a request head, mmsh.md §3.2

// readRequest reads one request head.
func readRequest(conn net.Conn) (request, error) {
	buf := make([]byte, 0, maxRequest)
	for {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return request{}, err
		}
		buf = buf[:len(buf)+n]
		var r codec.Request
		if _, err = codec.ParseRequest(buf, maxRequest, &r); err == nil {
			return requestOf(&r), nil
		}
		if !errors.Is(err, codec.ErrShort) || len(buf) == cap(buf) {
			return request{}, err
		}
	}
}

// requestOf tells MMSH players from others as mmsh.md §2 does.
func requestOf(r *codec.Request) request {
	agent := strings.ToLower(string(r.UserAgent))
	a := request{metacube: strings.HasSuffix(string(r.Path), ".metacube"), play: r.Pragma.Play == 1}
	for _, token := range []string{"nsplayer", "nsserver", "wmcacheproxy"} {
		a.mmsh = a.mmsh || strings.HasPrefix(agent, token)
	}
	return a
}

const (
	rexReply = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n" +
		"Pragma: client-id=%d\r\nPragma: features=\"broadcast\"\r\nConnection: close\r\n"
	describeReply = rexReply + "Content-Type: application/vnd.ms.wms-hdr.asfv1\r\nContent-Length: %d\r\n\r\n"
	playReply     = rexReply + "Content-Type: application/x-mms-framed\r\n\r\n"
	asfReply      = "HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n"
	plainReply    = asfReply + "Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
	metacubeReply = asfReply + "Content-Encoding: metacube\r\nConnection: close\r\n\r\n"
)

const clientID = 2917046381

// answer writes the reply and, unless only a description was asked for, the stream.
func (u *Server) answer(conn net.Conn, r request) {
	switch {
	case r.mmsh && !r.play:
		h := codec.AppendHeader(nil, u.head.Raw)
		conn.Write(append(fmt.Appendf(nil, describeReply, clientID, len(h)), h...))
	case r.mmsh:
		u.stream(conn, codec.AppendHeader(fmt.Appendf(nil, playReply, clientID), u.head.Raw), new(mmshFramer))
	case r.metacube:
		u.stream(conn, appendMetacube([]byte(metacubeReply), metacubeHeader, u.head.Raw), metacubeFramer{})
	default:
		u.stream(conn, append([]byte(plainReply), u.head.Raw...), plainFramer{})
	}
}

// stream sends head, then the viewer's packets until the source or the viewer ends.
func (u *Server) stream(conn net.Conn, head []byte, f framer) {
	v := u.join()
	defer u.leave(v)
	buf := head
	for {
		conn.SetWriteDeadline(time.Now().Add(timeout))
		if _, err := conn.Write(buf); err != nil {
			return
		}
		it, ok := <-v.queue
		buf = buf[:0]
		for ok {
			buf = f.appendPacket(buf, u.head, it)
			if len(v.queue) == 0 || len(buf) >= 64<<10 { // before another is taken: it would be lost
				break
			}
			it, ok = <-v.queue
		}
		if !ok {
			conn.Write(f.appendEnd(buf))
			return
		}
	}
}

// A framer puts packets into one dialect; it belongs to one viewer.
type framer interface {
	appendPacket(dst []byte, head *asf.Header, it item) []byte
	appendEnd(dst []byte) []byte
}

// mmshFramer counts LocationId by packets of the stream and AFFlags by frames sent, both from 0: a packet that was
// skipped moves the one and not the other (mmsh.md §6.2).
type mmshFramer struct {
	started bool
	first   uint64
	flags   uint8
}

func (m *mmshFramer) appendPacket(dst []byte, _ *asf.Header, it item) []byte {
	if !m.started {
		m.started, m.first = true, it.number
	}
	at := len(dst)
	dst = append(dst, make([]byte, codec.PrefixLen)...)
	codec.PutDataPrefix(dst[at:], 'D', uint32(it.number-m.first), m.flags, len(it.packet))
	m.flags++
	return append(dst, it.packet...)
}

func (m *mmshFramer) appendEnd(dst []byte) []byte { return codec.AppendReason(dst, 'E', 0) }

type plainFramer struct{}

func (plainFramer) appendPacket(dst []byte, _ *asf.Header, it item) []byte {
	return append(dst, it.packet...)
}

func (plainFramer) appendEnd(dst []byte) []byte { return dst }

type metacubeFramer struct{}

func (metacubeFramer) appendPacket(dst []byte, _ *asf.Header, it item) []byte {
	flags := uint16(metacubeNoStart)
	if it.join {
		flags = 0
	}
	return appendMetacube(dst, flags, it.packet)
}

func (metacubeFramer) appendEnd(dst []byte) []byte { return dst }
