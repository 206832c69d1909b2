package server

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// aHello is the ClientHello of a Go program, in one record.
func aHello(t testing.TB) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go tls.Client(far, &tls.Config{ServerName: "localhost"}).Handshake()
	near.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, recordHead)
	if _, err := io.ReadFull(near, b); err != nil {
		t.Fatal(err)
	}
	b = append(b, make([]byte, binary.BigEndian.Uint16(b[3:]))...)
	if _, err := io.ReadFull(near, b[recordHead:]); err != nil {
		t.Fatal(err)
	}
	return b
}

// clientHello sends a ClientHello.
func clientHello(t testing.TB, c net.Conn) {
	t.Helper()
	if _, err := c.Write(aHello(t)); err != nil {
		t.Fatal(err)
	}
}

// inRecords splits a message of one record into records of n bytes.
func inRecords(b []byte, n int) (out []byte) {
	for m := b[recordHead:]; len(m) > 0; m = m[min(n, len(m)):] {
		out = append(out, b[:3]...)
		out = binary.BigEndian.AppendUint16(out, uint16(min(n, len(m))))
		out = append(out, m[:min(n, len(m))]...)
	}
	return out
}

// helloOf is a ClientHello of size bytes that means nothing.
func helloOf(size int) []byte {
	m := binary.BigEndian.AppendUint32(nil, messageHello<<24|uint32(size-4))
	m = append(m, make([]byte, size-4)...)
	return inRecords(append([]byte("\x16\x03\x01  "), m...), maxRecord)
}

// A hello is whole with its last byte and no sooner, however it is cut.
func TestHelloEndsWithItsLastByte(t *testing.T) {
	b := aHello(t)
	for name, b := range map[string][]byte{
		"one record":            b,
		"records of one byte":   inRecords(b, 1),
		"records of 3 bytes":    inRecords(b, 3),
		"records of 200 bytes":  inRecords(b, 200),
		"as large as it may be": helloOf(maxHello - 2*recordHead),
	} {
		var s helloScan
		for n := range b {
			if s.whole(b[:n]) {
				t.Fatalf("%s: whole after %d of %d bytes", name, n, len(b))
			}
		}
		if !s.whole(b) || !new(helloScan).whole(b) {
			t.Errorf("%s: not whole", name)
		}
	}
}

// What cannot become a hello is not waited for.
func TestWhatIsNoHello(t *testing.T) {
	for _, c := range []struct {
		name, say string
		enough    int // bytes that show it
	}{
		{"HTTP", "GET /streams/a HTTP/1.0\r\n\r\n", 1},
		{"SSL 2", "\x80\x2E\x01\x00\x02", 1},
		{"an alert", "\x15\x03\x01\x00\x02\x02\x28", 1},
		{"not a version", "\x16\x02\x01\x00\x80", 2},
		{"an empty record", "\x16\x03\x01\x00\x00", 5},
		{"a record that is too long", "\x16\x03\x01\x40\x01", 5},
		{"another message", "\x16\x03\x01\x00\x80\x02", 6},
		{"another record before the end", "\x16\x03\x01\x00\x01\x01\x17", 7},
	} {
		var s helloScan
		for n := range len(c.say) + 1 {
			if got := s.whole([]byte(c.say[:n])); got != (n >= c.enough) {
				t.Errorf("%s: %d bytes: %v", c.name, n, got)
			}
		}
	}
}

// A hello that is too large is refused by what it says of its size, or by what came.
func TestHelloTooLarge(t *testing.T) {
	for name, say := range map[string][]byte{
		"one byte too many": helloOf(maxHello + 1)[:recordHead+4],
		"16 MB":             []byte("\x16\x03\x01\x00\x04\x01\xFF\xFF\xFF"),
		"too many records":  inRecords(helloOf(maxHello/4), 1),
	} {
		near, far := net.Pipe()
		var answer []byte
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			go far.Write(say)
			answer, _ = io.ReadAll(far)
		}()
		_, err := readHello(near, nil)
		near.Close()
		<-answered
		if err == nil || !strings.Contains(err.Error(), "limit 16384") || !bytes.Equal(answer, helloTooLarge) {
			t.Errorf("%s: %v, answer %x", name, err, answer)
		}
	}
}

// However bytes are cut, the scan finds the same.
func FuzzHello(f *testing.F) {
	f.Add(helloOf(300), 7)
	f.Add(inRecords(helloOf(300), 3), 100)
	f.Add(helloOf(maxHello + 1)[:recordHead+9], 1)
	for _, b := range badBeginnings {
		f.Add([]byte(b.say), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		step = max(1, step&0xFFF)
		var all, pieces helloScan
		whole := all.whole(b)
		got := false
		for n := 0; n < len(b) && !got && pieces.size <= maxHello; {
			n = min(len(b), n+step)
			got = pieces.whole(b[:n])
		}
		if got != whole || len(b) > 0 && (all.size > maxHello) != (pieces.size > maxHello) {
			t.Errorf("in one: %v, %d bytes; in pieces of %d: %v, %d", whole, all.size, step, got, pieces.size)
		}
	})
}
