package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/reason"
)

const describeRequest = "GET /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\n\r\n"

// The header is sent from where it lies, however slowly somebody reads.
func TestDescribesShareTheHeader(t *testing.T) {
	r := newRig(t, nil, "a")
	src := r.source(0)
	if err := src.Header(asftest.LongHeader(60_000)); err != nil {
		t.Fatal(err)
	}
	if err := src.Packet(asftest.Packet(0, 0, true, asftest.PacketSize, 500)); err != nil {
		t.Fatal(err)
	}
	framed := r.reg.Streams()[0].Up().Gen.Framed()
	for _, agent := range []string{wmpAgent, ffmpegAgent} { // one keeps the connection, one does not
		p := r.connect()
		p.room = 20_000
		p.say("GET /streams/a HTTP/1.1\r\nUser-Agent: " + agent + "\r\n\r\n")
		owed := p.conn.owed
		if from := len(framed) - len(owed); from <= 0 || len(owed) == 0 ||
			unsafe.SliceData(owed) != unsafe.SliceData(framed[from:]) {
			t.Fatalf("owes %d bytes of its own, want them shared", len(owed))
		}
		for range 20 {
			p.room = 3000
			r.pass(4 * time.Second)
			r.turn()
		}
		if !bytes.Equal(p.body(), framed) || p.conn.owed != nil {
			t.Errorf("%s: %d bytes, want the header's %d; %d owed", agent, len(p.body()), len(framed), len(p.conn.owed))
		}
		if p.fin != (agent == ffmpegAgent) || p.reset {
			t.Errorf("%s: FIN %v, reset %v", agent, p.fin, p.reset)
		}
	}
}

// What comes after a reply that is not read waits, but not for long, and not much of it.
func TestRepliesThatNobodyReads(t *testing.T) {
	for _, c := range []struct {
		name   string
		asks   int
		agent  string
		atOnce bool
	}{
		{"one Describe", 1, wmpAgent, false},
		{"one Describe that ends the connection", 1, ffmpegAgent, false},
		{"a few", maxUnanswered, wmpAgent, false},
		{"many", 12, wmpAgent, true},
	} {
		r := newRig(t, nil, "a")
		r.feeder(0, 320).publish(1)
		p := r.connect()
		p.room = 500
		p.say(strings.Repeat("GET /streams/a HTTP/1.1\r\nUser-Agent: "+c.agent+"\r\n\r\n", c.asks))
		for i := range 2 {
			if ended := p.conn.why == reason.TooLarge; ended != c.atOnce || p.gone {
				t.Errorf("%s: ended %v, closed %v after %d s, want %v, false", c.name, p.conn.why, p.gone, 4*i, c.atOnce)
			}
			r.pass(4 * time.Second)
			r.turn()
		}
		if !p.gone || !p.reset || p.fin {
			t.Errorf("%s: closed %v, reset %v, FIN %v after 8 s, want a reset", c.name, p.gone, p.reset, p.fin)
		}
	}
}

// Who reads at last gets the answers to what it asked before.
func TestRequestsBehindAReplyThatWaits(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(1)
	p := r.connect()
	p.room = 500
	p.say(strings.Repeat(describeRequest, 3))
	if n := strings.Count(string(p.got), "200 OK"); n != 1 {
		t.Fatalf("%d replies, want the first", n)
	}
	p.room = plenty
	r.turn()
	if n := strings.Count(string(p.got), "200 OK"); n != 3 || p.conn.owed != nil {
		t.Errorf("%d replies, want 3", n)
	}
	r.pass(59 * time.Second)
	r.turn()
	if p.fin {
		t.Error("the connection is not kept when all is read")
	}
}

// A real socket that is slow gets its header whole, in the clear and over TLS.
func TestDescribeOverASlowSocket(t *testing.T) {
	s := startTLSServer(t, nil)
	source := s.push()
	header := asftest.LongHeader(60_000)
	first := asftest.Packet(0, 0, true, asftest.PacketSize, 500)
	source.Write(codec.AppendFrame(codec.AppendFrame(nil, 'H', header), 'D', first))
	s.until("the header is that", func() bool { return len(s.reg.Streams()[0].Up().Gen.Framed()) > 60_000 })
	framed := s.reg.Streams()[0].Up().Gen.Framed()
	secure, _ := s.dialTLS(0)
	for name, c := range map[string]net.Conn{"plain": dial(t, s.plain), "TLS": secure} {
		const asks = 5 // more than fits into sockets; the last one ends the connection
		request := strings.Repeat(describeRequest, asks-1) + strings.Replace(describeRequest, "1.1\r\n",
			"1.1\r\nConnection: close\r\n", 1)
		fmt.Fprint(c, request)
		all, err := io.ReadAll(&drip{c})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := bytes.Count(all, framed); n != asks {
			t.Errorf("%s: %d headers in %d bytes, want %d", name, n, len(all), asks)
		}
	}
}

// A drip reads little at a time.
type drip struct{ net.Conn }

func (d *drip) Read(b []byte) (int, error) { return d.Conn.Read(b[:min(len(b), 1000)]) }
