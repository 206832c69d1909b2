package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/config"
	"pumpd/server/handover"
)

// A relayRig is a relay between a peer that speaks TLS and a process that does not.
type relayRig struct {
	peer  *tls.Conn
	there *net.TCPConn  // of the process
	over  chan struct{} // closed when the relay has ended
	stop  context.CancelFunc
}

func newRelayRig(t *testing.T, patience time.Duration) *relayRig {
	t.Helper()
	c := config.Default()
	c.TLS.Certificates = []config.Certificate{writeCertificate(t, t.TempDir(), "pump", "localhost")}
	certs, err := certificatesOf(&c.TLS, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	far, socket, err := tcpPair()
	if err != nil {
		t.Fatal(err)
	}
	here, there, err := tcpPair()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &relayRig{tls.Client(far, &tls.Config{InsecureSkipVerify: true}), there, make(chan struct{}), stop}
	served := tls.Server(socket, certs.config())
	go func() {
		defer close(r.over)
		(&relay{peer: served, socket: socket, here: here, patience: patience}).run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-r.over
		far.Close()
		there.Close()
	})
	for _, c := range []net.Conn{far, there} {
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.peer.Handshake(); err != nil {
		t.Fatal(err)
	}
	return r
}

// carries checks that what is written at one end is read at the other.
func carries(t *testing.T, from io.Writer, to io.Reader, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v; want %q", got, err, text)
	}
}

// What either side says comes to the other one, and so does the end of either.
func TestRelay(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"peer", "process"} {
		t.Run(first+" ends first", func(t *testing.T) {
			t.Parallel()
			r := newRelayRig(t, 20*time.Second)
			carries(t, r.peer, r.there, "POST")
			carries(t, r.there, r.peer, "204")
			ends, hears := func() error { return r.peer.CloseWrite() }, io.Reader(r.there)
			if first == "process" {
				ends, hears = r.there.CloseWrite, r.peer
			}
			if err := ends(); err != nil {
				t.Fatal(err)
			}
			if n, err := hears.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Fatalf("%d bytes, %v; want the end", n, err)
			}
			if first == "peer" { // the other one may have more to say
				carries(t, r.there, r.peer, "200")
				r.there.Close()
			} else {
				carries(t, r.peer, r.there, "more")
				r.peer.Close()
			}
			<-r.over
		})
	}
}

// Neither a side that takes nothing holds a relay for ever, nor one that is told of the end and says nothing.
func TestRelayPatience(t *testing.T) {
	t.Parallel()
	r := newRelayRig(t, 50*time.Millisecond)
	flood := make([]byte, 1<<20)
	for {
		if _, err := r.there.Write(flood); err != nil { // nobody reads at the other end
			break
		}
	}
	<-r.over
	r = newRelayRig(t, 50*time.Millisecond)
	if err := r.there.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-r.over
	if _, err := r.there.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v; want the end", err)
	}
}

// A relay ends when its process does.
func TestRelayStops(t *testing.T) {
	t.Parallel()
	r := newRelayRig(t, 20*time.Second)
	carries(t, r.peer, r.there, "POST")
	r.stop()
	<-r.over
}

// The loop may come to rest when it has read something and nobody has looked at that: the relay does not find it in the
// socket any more, so the new process is told of it.
func TestRelayLeavesNothing(t *testing.T) {
	rig, h := newTLSRig(t)
	p := rig.connectTLS(h, only(tls.VersionTLS13))
	far, socket, err := tcpPair()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	defer socket.Close()
	fd, err := duplicate(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	p.conn.fd = int32(fd)
	const begun, more = "POST /streams/a", "_push HTTP/1.0\r\n"
	p.say(begun)
	p.near.in = append(p.near.in, p.seal(more)...)
	d := &departure{moved: map[*conn]struct{}{}, relays: relays{log: rig.loop.log}}
	if !d.addRelay(rig.loop, p.conn) {
		t.Fatal("it is not relayed")
	}
	defer handover.CloseAll(d.ends)
	defer d.relays.stay()
	if got := string(d.conns[0].Input); got != begun+more {
		t.Errorf("the new process is told %q", got)
	}
}
