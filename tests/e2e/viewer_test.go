package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// User-Agents that stand for a dialect each.
const (
	agentOld  = "NSPlayer/4.1.0.3856"      // FFmpeg, mpv, MPlayer, libmms
	agentVLC  = "NSPlayer/7.10.0.3059"     // VLC
	agentWMP  = "NSPlayer/12.0.7601.17514" // Windows Media Player 12
	agentHTTP = "Lavf/59.27.100"           // anything that is not NSPlayer: raw ASF
)

// A viewer reads a stream over MMSH or, with any other User-Agent, as raw ASF.
type viewer struct {
	name   string
	conn   net.Conn
	in     *bufio.Reader
	framed bool
	header []byte
	size   int // of packets, from the header
}

// streamPath is where a pump has a stream.
func streamPath(stream string) string { return "/streams/" + stream }

// get sends a request for a path and reads the answer's head. extra are further lines of the request.
func get(addr, path, agent, extra string) (*http.Response, net.Conn, *bufio.Reader, error) {
	return getFrom(nil, addr, path, agent, extra)
}

// getFrom is get from an address of this machine; nil: any.
func getFrom(from net.IP, addr, path, agent, extra string) (*http.Response, net.Conn, *bufio.Reader, error) {
	dial := net.Dialer{Timeout: patience}
	if from != nil {
		dial.LocalAddr = &net.TCPAddr{IP: from}
	}
	conn, err := dial.Dial("tcp", addr)
	if err != nil {
		return nil, nil, nil, err
	}
	conn.SetDeadline(time.Now().Add(2 * patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nAccept: */*\r\nUser-Agent: %s\r\nHost: %s\r\n%sConnection: Close\r\n\r\n", path,
		agent, addr, extra)
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	return answer, conn, in, nil
}

// watch opens a stream and reads its header.
func watch(t *testing.T, addr, stream, agent string) *viewer {
	t.Helper()
	v, err := open(addr, stream, agent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.conn.Close() })
	return v
}

// open is watch for any goroutine.
func open(addr, stream, agent string) (*viewer, error) { return openFrom(nil, addr, stream, agent) }

// openFrom is open from an address of this machine; nil: any.
func openFrom(from net.IP, addr, stream, agent string) (*viewer, error) {
	answer, conn, in, err := getFrom(from, addr, streamPath(stream), agent,
		"Pragma: no-cache,rate=1.000000,request-context=2\r\nPragma: xPlayStrm=1\r\n")
	if err != nil {
		return nil, err
	}
	return begun(answer, conn, in, agent)
}

// answered is open on a connection on which the stream is asked for already.
func answered(conn net.Conn, agent string) (*viewer, error) {
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return begun(answer, conn, in, agent)
}

// begun reads the header behind an answer.
func begun(answer *http.Response, conn net.Conn, in *bufio.Reader, agent string) (*viewer, error) {
	if answer.StatusCode != http.StatusOK {
		conn.Close()
		return nil, fmt.Errorf("%s: status %s, want 200", agent, answer.Status)
	}
	v := &viewer{name: agent, conn: conn, in: in, framed: agent != agentHTTP}
	if err := v.readHeader(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: header: %w", agent, err)
	}
	return v, nil
}

// readHeader reads the $H, or a raw stream up to its first packet.
func (v *viewer) readHeader() error {
	if v.framed {
		f, err := v.frame()
		if err != nil {
			return err
		}
		if f.kind != 'H' || f.flags != 0x0C || f.location != 0 {
			return fmt.Errorf("first frame is $%c, flags %#x, location %d; want $H, 0xc, 0", f.kind, f.flags, f.location)
		}
		v.header = f.payload
	} else {
		start, err := v.in.Peek(24)
		if err != nil {
			return err
		}
		v.header = make([]byte, binary.LittleEndian.Uint64(start[16:])+50)
		if _, err := io.ReadFull(v.in, v.header); err != nil {
			return err
		}
	}
	size, err := packetSize(v.header)
	v.size = size
	return err
}

// packetSize finds the File Properties in a header.
func packetSize(header []byte) (int, error) {
	file := string(cat(guidFile))
	for at := 30; at+24 < len(header); {
		size := int(binary.LittleEndian.Uint64(header[at+16:]))
		if string(header[at:at+16]) == file && at+100 <= len(header) {
			return int(binary.LittleEndian.Uint32(header[at+92:])), nil
		}
		if size < 24 {
			break
		}
		at += size
	}
	return 0, errors.New("no File Properties")
}

// An mmshFrame is a $-unit as a viewer gets it. $C and $E have a reason instead of what a data header tells.
type mmshFrame struct {
	kind     byte
	location uint32
	flags    byte
	reason   uint32
	payload  []byte
}

func (v *viewer) frame() (mmshFrame, error) {
	var head [4]byte
	if _, err := io.ReadFull(v.in, head[:]); err != nil {
		return mmshFrame{}, err
	}
	if head[0] != '$' {
		return mmshFrame{}, fmt.Errorf("frame begins with %#x", head[0])
	}
	f := mmshFrame{kind: head[1]}
	body := make([]byte, binary.LittleEndian.Uint16(head[2:]))
	if _, err := io.ReadFull(v.in, body); err != nil {
		return f, fmt.Errorf("$%c of %d bytes: %w", f.kind, len(body), err)
	}
	if f.kind == 'E' || f.kind == 'C' {
		if len(body) != 4 {
			return f, fmt.Errorf("$%c of %d bytes, want 4", f.kind, len(body))
		}
		f.reason = binary.LittleEndian.Uint32(body)
		return f, nil
	}
	if len(body) < 8 || int(binary.LittleEndian.Uint16(body[6:])) != len(body) {
		return f, fmt.Errorf("$%c of %d bytes: data header % x", f.kind, len(body), body[:min(8, len(body))])
	}
	f.location, f.flags, f.payload = binary.LittleEndian.Uint32(body), body[5], body[8:]
	return f, nil
}

// packet gives the next packet; io.EOF says that the stream ended as it must: with $E(0) and FIN, or with FIN where
// there are no frames. count is how many packets came before.
func (v *viewer) packet(count int) ([]byte, error) {
	if !v.framed {
		b := make([]byte, v.size)
		_, err := io.ReadFull(v.in, b)
		return b, err
	}
	f, err := v.frame()
	switch {
	case err == io.EOF:
		return nil, errors.New("the connection ended without $E")
	case err != nil:
		return nil, err
	case f.kind == 'E' && f.reason == 0:
		if b, err := v.in.ReadByte(); err != io.EOF {
			return nil, fmt.Errorf("after $E: byte %#x, error %v, want FIN", b, err)
		}
		return nil, io.EOF
	case f.kind != 'D':
		return nil, fmt.Errorf("frame $%c with reason %#x in the stream", f.kind, f.reason)
	case f.location != uint32(count) || f.flags != byte(count):
		return nil, fmt.Errorf("packet %d has LocationId %d and AFFlags %d", count, f.location, f.flags)
	case len(f.payload) > v.size:
		return nil, fmt.Errorf("packet %d has %d bytes, the header says %d", count, len(f.payload), v.size)
	}
	return f.payload, nil
}

// rest reads packets up to the end of the stream.
func (v *viewer) rest() (packets [][]byte, err error) {
	for {
		b, err := v.packet(len(packets))
		if err == io.EOF {
			return packets, nil
		}
		if err != nil {
			return packets, err
		}
		packets = append(packets, b)
	}
}

// waitLive returns when a Describe of the path is answered with a header: the stream is up.
func waitLive(t *testing.T, addr, path string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	var last string
	for {
		answer, conn, in, err := get(addr, path, agentOld, "Pragma: no-cache,request-context=1\r\n")
		if err != nil {
			last = err.Error()
		} else {
			last = answer.Status
			start, _ := in.Peek(2)
			conn.Close()
			if answer.StatusCode == http.StatusOK && string(start) == "$H" {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s on %s is not up after %v: %s", path, addr, patience, last)
		}
	}
}
