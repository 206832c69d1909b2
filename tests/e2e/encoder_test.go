package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

// patience is how long these tests' own clients wait for a byte, on a machine that has much else to do.
const patience = 30 * time.Second

// An encoder pushes as Windows Media Encoder does.
type encoder struct {
	net.Conn
	in *bufio.Reader
}

// pushTo does the setup and starts with the header.
func pushTo(t *testing.T, addr, stream string, header []byte) *encoder {
	t.Helper()
	e := dialEncoder(t, addr)
	answer := e.post(t, stream, "application/x-wms-pushsetup", "push-id=0", 0)
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("setup: status %s, want 204", answer.Status)
	}
	cookie := answer.Cookies()
	if len(cookie) != 1 || cookie[0].Name != "push-id" || cookie[0].Value == "0" {
		t.Fatalf("setup: cookies %v, want a push-id", cookie)
	}
	e.request(t, stream, "application/x-wms-pushstart", cookie[0].String(), 1<<31-1)
	e.send(t, 'H', header)
	return e
}

func dialEncoder(t *testing.T, addr string) *encoder {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	return &encoder{conn, bufio.NewReader(conn)}
}

func (e *encoder) request(t *testing.T, stream, contentType, cookie string, length int64) {
	t.Helper()
	_, err := fmt.Fprintf(e, "POST /streams/%s_push HTTP/1.1\r\nContent-Type: %s\r\n"+
		"User-Agent: WMEncoder/11.0.5721.5145\r\n"+
		"Host: %s\r\nContent-Length: %d\r\nConnection: Keep-Alive\r\nCookie: %s\r\n\r\n", stream, contentType, e.RemoteAddr(),
		length, cookie)
	if err != nil {
		t.Fatal(err)
	}
}

func (e *encoder) post(t *testing.T, stream, contentType, cookie string, length int64) *http.Response {
	t.Helper()
	e.request(t, stream, contentType, cookie, length)
	return e.answer(t)
}

func (e *encoder) answer(t *testing.T) *http.Response {
	t.Helper()
	answer, err := http.ReadResponse(e.in, nil)
	if err != nil {
		t.Fatalf("answer to the encoder: %v", err)
	}
	return answer
}

// send writes one frame of a push, which has no data header.
func (e *encoder) send(t *testing.T, kind byte, body []byte) {
	t.Helper()
	if _, err := e.Write(pushFrame(kind, body)); err != nil {
		t.Fatalf("push $%c: %v", kind, err)
	}
}

func pushFrame(kind byte, body []byte) []byte {
	return append(binary.LittleEndian.AppendUint16([]byte{'$', kind}, uint16(len(body))), body...)
}

// end says that the stream is over for good.
func (e *encoder) end(t *testing.T) { e.send(t, 'E', make([]byte, 4)) }
