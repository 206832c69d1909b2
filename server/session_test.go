package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/cryptotest"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// To whoever guesses a client-id it is one that nobody has: it neither ends nor changes somebody else's Play.
func TestSessionFromElsewhere(t *testing.T) {
	r := newRig(t, nil, "a")
	f := r.feeder(0, 320)
	f.publish(1)
	p := r.watch("a", wmpAgent)
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	ask := func(from, method, pragma string) *peer {
		q := r.connect()
		q.conn.remote = netip.MustParseAddrPort(from)
		q.say(method + " /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\nPragma: " + pragma + "client-id=" + id +
			"\r\nContent-Length: 0\r\n\r\n")
		return q
	}
	for _, from := range []string{"192.0.2.2:1", "[2001:db8::1]:1"} {
		for _, c := range []struct{ method, pragma, status string }{
			{"POST", "xStopStrm=1,", "400"},
			{"POST", "xKeepAliveInPause=1,", "400"},
			{"POST", "stream-switch-entry=ffff:1:0\r\nPragma: ", "400"},
			{"GET", "xPlayStrm=1,", "200"},
			{"GET", "", "200"},
		} {
			q := ask(from, c.method, c.pragma)
			if head := string(q.got); !strings.HasPrefix(head, "HTTP/1.1 "+c.status) || strings.Contains(head, "client-id="+id+
				"\r") {
				t.Errorf("%s %q from %s: %q, want %s and not this client-id", c.method, c.pragma, from, q.status(), c.status)
			}
		}
	}
	if again := ask("192.0.2.1:9", "GET", "xPlayStrm=1,"); !strings.HasPrefix(again.status(), "HTTP/1.1 400") {
		t.Errorf("second Play of the owner: %q, want 400 as the first one is running", again.status())
	}
	r.turn()
	f.publish(1)
	r.turn()
	if got := r.read(p.body()); got.ended >= 0 || len(got.numbers) != 2 || p.fin {
		t.Errorf("$E %d, %d packets, FIN %v, want none, 2 and none", got.ended, len(got.numbers), p.fin)
	}
	// On a socket for both families IPv4 addresses come mapped.
	ask("[::ffff:192.0.2.1]:9", "POST", "xStopStrm=1,")
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin {
		t.Errorf("after the owner's Stop: $E %d, FIN %v, want 0 and true", got.ended, p.fin)
	}
}

// Ids are from the source that tests can seed, the one that nobody can work out.
func TestIDsAreUnguessable(t *testing.T) {
	ids := func() [2]string {
		cryptotest.SetGlobalRandom(t, 1)
		r := newSessions()
		access := &pushAccess{}
		return [2]string{clientID(r.open(testClient, 1, false)), access.open(&stream.Stream{}, testClient, 1, 2)}
	}
	if a, b := ids(), ids(); a != b {
		t.Errorf("client-id and push-id %q and %q from one seed of crypto/rand, want the same", a, b)
	}
}

// An encoder whose body is complete and that watches then has given its stream up.
func TestEncoderThatWatches(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	r.feeder(1, 320).publish(1)
	e := r.encoder()
	e.setUp()
	e.start(4 + len(asftest.Header(asftest.PacketSize, 320)))
	e.header(320)
	if r.reg.Streams()[0].Writer() == nil {
		t.Fatal("no claim")
	}
	e.got = nil
	e.say(fmt.Sprintf("GET /streams/b HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", ffmpegAgent))
	if r.reg.Streams()[0].Writer() != nil || !strings.HasPrefix(e.status(), "HTTP/1.0 200") || e.conn.phase != viewing {
		t.Errorf("%q, claim of %v", e.status(), r.reg.Streams()[0].Writer())
	}
}

// Whoever started a push before another one had the stream is under the same rules as whoever comes later.
func TestEncoderThatStartedBefore(t *testing.T) {
	for _, c := range []struct{ policy, from, status string }{
		{"takeover", "192.0.2.2", "403"},
		{"refuse", "192.0.2.1", "409"},
		{"takeover", "192.0.2.1", ""},
	} {
		r := newRig(t, func(cfg *config.Config) { cfg.Streams[0].OnSecondPush = c.policy }, "a")
		lurker := r.encoder()
		lurker.conn.remote = netip.MustParseAddrPort(c.from + ":5")
		lurker.setUp()
		lurker.start(endless)
		e := startedPush(r)
		e.push(10)
		lurker.header(640)
		r.turn()
		if refused := strings.Contains(lurker.status(), c.status); c.status != "" && (!refused || !lurker.fin || e.fin) {
			t.Errorf("%s, from %s: %q, FIN %v, want %s and the first one to stay", c.policy, c.from, lurker.status(), lurker.fin,
				c.status)
		}
		if c.status == "" && !e.fin {
			t.Errorf("%s, from %s: it did not take over", c.policy, c.from)
		}
	}
}

// A Stop goes to where the Play is, and ends nobody else who may be there by now.
func TestStopEndsOnlyItsPlay(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(1)
	first, second := r.watch("a", wmpAgent), r.watch("a", wmpAgent)
	stop := func(p *peer) {
		q := r.connect()
		q.say(fmt.Sprintf("POST /streams/a HTTP/1.1\r\nUser-Agent: %s\r\nPragma: xStopStrm=1, %s\r\n"+
			"Content-Length: 0\r\n\r\n",
			wmpAgent, clientID(p.conn.viewer.Session)))
		if !strings.Contains(q.status(), "200") {
			t.Errorf("Stop: %q", q.status())
		}
		r.turn()
	}
	r.loop.node.sessions.playsAt(first.conn.viewer.Session, spot{0, second.conn.fd})
	stop(first)
	if first.fin || second.fin {
		t.Errorf("FIN to the first %v, to the second %v; want none where the Play is not", first.fin, second.fin)
	}
	stop(second)
	if first.fin || !second.fin {
		t.Errorf("FIN to the first %v, to the second %v, want only the second", first.fin, second.fin)
	}
}
