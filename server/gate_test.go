package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/clock"
)

// full is a rig whose gate has no ordinary place left: viewers of stream a have all.
func full(t *testing.T) (r *rig, viewers []*peer) {
	r = newRig(t, nil, "a", "b")
	r.gate(3)
	e := r.encoder()
	e.setUp()
	e.start(endless)
	e.header(320)
	e.push(3)
	for range 3 {
		v := r.watch("a", ffmpegAgent)
		if !strings.Contains(v.status(), "200") {
			t.Fatalf("viewer: %q, want 200: the encoder has a place of its own", v.status())
		}
		viewers = append(viewers, v)
	}
	e.hangUp()
	return r, viewers
}

// ended says whether a peer was told that there is no room, and let go.
func (p *peer) ended() bool { return strings.Contains(p.status(), "503") && (p.fin || p.gone) }

// However many watch, an encoder comes back, with a password as well, and goes on.
func TestEncoderReturnsToAFullServer(t *testing.T) {
	for _, users := range [][]auth.Secret{nil, {"encoder:secret"}} {
		r, viewers := full(t)
		st := r.reg.Streams()[0]
		var right string
		if users != nil {
			rights, _ := auth.ParseUsers(users)
			r.loop.node.access.replace(pushRightsByStream{st: {users: rights}})
			right = "Authorization: Basic ZW5jb2RlcjpzZWNyZXQ=\r\n"
		}
		e := r.encoder()
		if users != nil {
			if e.post(setupType, "0", 0, ""); !strings.Contains(e.status(), "401") || e.fin {
				t.Fatalf("setup without a password: %q, FIN %v, want 401 and an open connection", e.status(), e.fin)
			}
		}
		if e.post(setupType, "0", 0, right); !strings.Contains(e.status(), "204") {
			t.Fatalf("%q: setup: %q, want 204", users, e.status())
		}
		_, after, _ := strings.Cut(string(e.got), "push-id=")
		e.id, _, _ = strings.Cut(after, "\r\n")
		start := r.encoder() // on a connection of its own, as some do
		start.id = e.id
		start.start(endless)
		start.header(320)
		start.next = 10
		start.push(3)
		r.pass(reserveTime * 2)
		r.loop.gate.expire(r.at)
		r.turn()
		if st.Up() == nil || st.Writer() == nil || start.gone || e.gone {
			t.Errorf("%q: the stream is not back", users)
		}
		for i, v := range viewers {
			if v.gone || v.fin {
				t.Errorf("%q: viewer %d is gone", users, i)
			}
		}
	}
}

// All but an encoder's requests are refused in reserve.
func TestReserveIsForEncoders(t *testing.T) {
	for _, say := range []string{
		"GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/12.0\r\nPragma: xPlayStrm=1\r\n\r\n",
		"GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/12.0\r\n\r\n",
		"GET /streams/nothing HTTP/1.0\r\nUser-Agent: curl/8\r\n\r\n",
		"HEAD /streams/a HTTP/1.1\r\nUser-Agent: curl/8\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n",
		"POST /streams/a HTTP/1.1\r\nContent-Type: application/x-wms-logstats\r\nContent-Length: 3\r\n\r\nabc",
	} {
		r, _ := full(t)
		p := r.connect()
		if p.say(say); !p.ended() {
			t.Errorf("%q: %q, want 503 and FIN", say, p.status())
		}
	}
}

// An encoder's place is none for a viewer.
func TestNobodyWatchesFromAnEncodersPlace(t *testing.T) {
	r, _ := full(t)
	e := r.encoder()
	e.setUp()
	e.got = nil
	e.say("GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/12.0\r\nPragma: xPlayStrm=1\r\n\r\n")
	if !e.ended() {
		t.Errorf("%q, want 503 and FIN", e.status())
	}
}

// Those who only hold a place in reserve lose it: by time, to others from their address, to others at all. An encoder's
// address is not touched by them.
func TestStrangersDoNotKeepTheReserve(t *testing.T) {
	r, _ := full(t)
	stranger := netip.MustParseAddr("2001:db8::1")
	encoder := r.connect() // from the address of the one that left
	if encoder.conn.guest.crowd != &r.loop.gate.familiar {
		t.Error("the encoder's address is not known")
	}
	silent := r.connectFrom(stranger)
	slow := r.connectFrom(stranger.Next())
	slow.say("POST /streams/a_push HTTP/1.1\r\nContent-Type: " + setupType)
	if r.turn(); !silent.ended() || slow.ended() {
		t.Errorf("two of one network: the first ended %v, the second %v, want true, false", silent.ended(), slow.ended())
	}
	for i := range byte(4) { // as many as the reserve has, each from a network of its own
		r.connectFrom(netip.AddrFrom4([4]byte{198, 51, 100, i}))
	}
	if r.turn(); !slow.ended() || encoder.ended() {
		t.Errorf("the reserve is full: the first ended %v, the encoder %v, want true, false", slow.ended(), encoder.ended())
	}
	r.pass(reserveTime + 1)
	r.loop.gate.expire(r.at)
	if r.turn(); !encoder.ended() || r.loop.gate.reserve.size() != 0 {
		t.Errorf("after %v: %d in reserve, encoder that says nothing ended: %v",
			reserveTime, r.loop.gate.reserve.size(), encoder.ended())
	}
}

// Setups without end on one stream use up that stream's places, the oldest first, and never the one that feeds it.
func TestEncodersPlacesOfAStream(t *testing.T) {
	r, _ := full(t)
	var all []*encoder
	for range encodersEach {
		e := r.encoder()
		e.setUp()
		all = append(all, e)
	}
	all[0].start(endless)
	all[0].header(320)
	all[0].next = 10
	all[0].push(3)
	late := r.encoder()
	late.setUp()
	if r.turn(); all[0].gone || !all[1].gone || all[2].gone || late.gone {
		t.Errorf("gone: the source %v, the oldest setup %v, a younger one %v, the newest %v; want false, true, false, false",
			all[0].gone, all[1].gone, all[2].gone, late.gone)
	}
	other := r.encoder()
	other.say("POST /streams/b_push HTTP/1.1\r\nContent-Type: " + setupType + "\r\nContent-Length: 0\r\n\r\n")
	if !strings.Contains(other.status(), "204") {
		t.Errorf("another stream: %q, want 204", other.status())
	}
}

// Whatever comes and goes, the gate counts right and lets no more in than it has descriptors for.
func TestGateCounts(t *testing.T) {
	r, viewers := full(t)
	g := r.loop.gate
	var all []*peer
	for i := range 100 {
		if p := r.connectFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})); p != nil {
			all = append(all, p)
		}
	}
	if n := g.inside.Load(); n != g.all.Load() {
		t.Errorf("%d inside, want %d", n, g.all.Load())
	}
	r.turn()
	for _, p := range append(all, viewers...) {
		p.hangUp()
	}
	if g.inside.Load() != 0 || g.ordinary.Load() != 0 || g.reserve.size() != 0 || g.encoders.size() != 0 {
		t.Errorf("%d inside, %d ordinary, %d in reserve, %d encoders, want none",
			g.inside.Load(), g.ordinary.Load(), g.reserve.size(), g.encoders.size())
	}
	if n := g.refused.Load(); n != 100 {
		t.Errorf("%d refused, want 100", n)
	}
	if p := r.connect(); p.conn.guest.crowd != &g.awaited {
		t.Error("no ordinary place is free again")
	}
}

// What is known of encoders' addresses is bounded and gets old.
func TestKnownAddresses(t *testing.T) {
	g := newGate(&budget{connections: 1, encoders: 1, reserve: 4}, nil)
	for i := range 3 * maxKnown {
		g.remember(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
	}
	last := netip.MustParseAddr("192.0.2.1")
	g.remember(last, 1)
	if n := len(g.known); n > maxKnown {
		t.Errorf("%d are known, want at most %d", n, maxKnown)
	}
	now := clock.Instant(1).Add(familiarTime - time.Second)
	if !g.knows(last, now) || g.knows(last, now.Add(2*time.Second)) {
		t.Errorf("known for another time than %v", familiarTime)
	}
}

// Viewers fill a real server, strangers knock at both ports and say nothing, and the encoder comes back all the same:
// with TLS and without.
func TestEncoderReturnsThroughAFlood(t *testing.T) {
	s := startTLSServer(t, func(s *Server) { s.gate.most.Store(5) })
	source := s.push()
	for i := range 5 {
		if i%2 == 0 {
			watchFrom(t, s.plain)
			continue
		}
		c, _ := s.dialTLS(0)
		watchOn(t, c, ffmpegAgent)
	}
	source.Close()
	s.until("the encoder is gone", func() bool { return s.gate.inside.Load() == 5 })
	ctx, cancel := context.WithCancel(t.Context())
	var strangers sync.WaitGroup
	for _, at := range []netip.AddrPort{s.plain, s.tls} {
		strangers.Go(func() {
			for ctx.Err() == nil {
				if c, err := net.Dial("tcp", at.String()); err == nil {
					defer c.Close()
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	defer strangers.Wait()
	defer cancel()
	s.until("the reserve is full", func() bool { return s.gate.familiar.size() >= s.gate.familiar.each })
	encrypted, _ := s.dialTLS(0)
	for _, c := range []net.Conn{dial(t, s.plain), encrypted} {
		fmt.Fprintf(c, "POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: 0\r\n\r\n", setupType)
		if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "204") {
			t.Errorf("setup: %q, %v, want 204", line, err)
		}
	}
	v := dial(t, s.plain)
	fmt.Fprintf(v, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\n\r\n", ffmpegAgent)
	if line, err := bufio.NewReader(v).ReadString('\n'); !strings.Contains(line, "503") {
		t.Errorf("one more viewer: %q, %v, want 503", line, err)
	}
}

// When all places are taken, those that ask for nothing make room, the one first that is awaited for longest: silent
// ones, half requests, bodies that do not come, connections that are kept. For one that has asked they do so at once,
// for another that has not when a second is over, and no viewer ever has to.
func TestUnheardMakeRoom(t *testing.T) {
	const ask = "OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\nConnection: Keep-Alive\r\n\r\n"
	for _, say := range []string{
		"",
		"GET /streams/a HTTP/1.0\r\nUser-Agent: NS",
		"POST /streams/a HTTP/1.1\r\nContent-Type: application/x-wms-logstats\r\nContent-Length: 30\r\n\r\nabc",
		"POST /streams/a_push HTTP/1.1\r\nContent-Type: " + setupType + "\r\nContent-Length: 16\r\n\r\nAutoDes",
		ask,
		ask + ask,
	} {
		r := newRig(t, nil, "a")
		r.gate(3)
		e := startedPush(r)
		e.push(3)
		viewer := r.watch("a", ffmpegAgent)
		var waiting []*peer
		for range 2 {
			p := r.connect()
			if say != "" {
				p.say(say)
			}
			p.got = nil
			waiting = append(waiting, p)
			r.pass(time.Millisecond)
		}
		silent := r.connect()
		if r.turn(); waiting[0].gone {
			t.Errorf("%q: before %v one goes for another that asks for nothing either", say, promptTime)
		}
		silent.hangUp()
		v := r.watch("a", ffmpegAgent)
		r.turn()
		if !strings.Contains(v.status(), "200") || !waiting[0].gone || waiting[1].gone || viewer.gone || e.gone {
			t.Errorf("%q: %q; gone: the first %v, the second %v, the viewer %v, the encoder %v; want 200 and the first "+
				"one to go",
				say, v.status(), waiting[0].gone, waiting[1].gone, viewer.gone, e.gone)
		}
		r.pass(promptTime + 2*time.Millisecond)
		another := r.connect()
		if r.turn(); !waiting[1].gone || another.gone {
			t.Errorf("%q: after %v: the second gone %v, another %v; want the second to go", say, promptTime,
				waiting[1].gone, another.gone)
		}
		r.watch("a", ffmpegAgent)
		if last := r.watch("a", ffmpegAgent); !last.ended() {
			t.Errorf("%q: nobody is left who asks for nothing: %q, want 503", say, last.status())
		}
	}
}

// A request that comes in the instant in which its connection is told to go is refused.
func TestUnheardThatAsksTooLate(t *testing.T) {
	r := newRig(t, nil, "a")
	r.gate(1)
	p := r.connect()
	r.pass(promptTime + 1)
	r.connect()
	p.say("OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n")
	if !p.ended() {
		t.Errorf("%q, want 503", p.status())
	}
	if r.turn(); !p.gone || r.loop.gate.ordinary.Load() != 1 {
		t.Errorf("gone %v, %d ordinary ones, want true, 1", p.gone, r.loop.gate.ordinary.Load())
	}
}
