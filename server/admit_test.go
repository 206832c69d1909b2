package server

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// seats is how many viewers the ledger has.
func (r *rig) seats() int64 { return r.loop.node.ledger.View().Viewers }

func mostViewers(n int) func(*config.Config) {
	return func(c *config.Config) { c.Server.MaxViewers = n }
}

// ask sends a request of one agent for stream a and gives the answer's peer.
func (r *rig) ask(method, target, agent, more string) *peer {
	p := r.connect()
	p.say(method + " " + target + " HTTP/1.0\r\nHost: a.example:8086\r\nUser-Agent: " + agent + "\r\n" + more + "\r\n")
	return p
}

func TestFullStream(t *testing.T) {
	r := newRig(t, mostViewers(2), "a")
	log := r.listen()
	r.feeder(0, 320).publish(1)
	for _, quiet := range []*peer{
		r.ask("GET", "/streams/a", ffmpegAgent, ""), r.ask("HEAD", "/streams/a", curlAgent, ""),
		r.ask("HEAD", "/streams/a", ffmpegAgent, "Pragma: xPlayStrm=1\r\n"),
	} {
		if !strings.Contains(quiet.status(), "200") || r.seats() != 0 {
			t.Errorf("%q, %d seats taken, want 200 and none", quiet.status(), r.seats())
		}
	}
	first, second := r.watch("a", ffmpegAgent), r.watch("a", curlAgent)
	for _, late := range []*peer{
		r.watch("a", ffmpegAgent), r.watch("a", curlAgent), r.ask("GET", "/streams/a", vlcAgent, ""),
		r.ask("HEAD", "/streams/a", ffmpegAgent, ""),
	} {
		head := string(late.got)
		if !strings.Contains(late.status(), "503") || !strings.Contains(head, "\r\nRetry-After: ") || !late.fin {
			t.Errorf("%q, want 503 with Retry-After and a FIN", head)
		}
	}
	if body := string(r.watch("a", curlAgent).body()); body != admission.Viewers.Text()+"\n" {
		t.Errorf("body %q, want %q", body, admission.Viewers.Text())
	}
	log.Has(t, "WARN no room for a viewer", "stream=a", "limit=max_viewers", "from=192.0.2.1:1006")
	if n := r.loop.node.ledger.View().Streams[0].Refused[admission.Viewers]; n != 5 {
		t.Errorf("%d refusals are counted, want 5", n)
	}
	startedPush(r) // encoders are never refused by it
	first.hangUp()
	third := r.watch("a", wmpAgent)
	if !strings.Contains(third.status(), "200") || r.seats() != 2 {
		t.Errorf("a viewer for one that left: %q, %d seats", third.status(), r.seats())
	}
	second.hangUp()
	third.hangUp()
	if r.seats() != 0 {
		t.Errorf("%d seats when all have left", r.seats())
	}
}

// However a viewer goes, its seat is given back, and only once: two more keep theirs.
func TestSeatIsGivenBackOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		goes func(r *rig, f *feeder, p *peer)
	}{
		{"hangs up", func(_ *rig, _ *feeder, p *peer) { p.hangUp(); p.hangUp() }},
		{"hangs up inside a send", func(r *rig, f *feeder, p *peer) {
			p.onSend = func() { p.onSend = nil; p.hangUp() }
			p.errno = syscall.EPIPE
			f.publish(1)
			r.turn()
		}},
		{"a send fails", func(r *rig, f *feeder, p *peer) {
			p.errno = syscall.ECONNRESET
			f.publish(1)
			r.turn()
		}},
		{"stops", func(r *rig, _ *feeder, p *peer) {
			r.ask("POST", "/streams/a", wmpAgent, "Pragma: xStopStrm=1,client-id="+idOf(p)+"\r\nContent-Length: 0\r\n")
			r.turn()
		}},
		{"stalls", func(r *rig, f *feeder, p *peer) {
			p.room = 0
			f.publish(1)
			r.turn()
			r.pass(time.Minute)
			r.turn()
		}},
		{"asks for what plays already", func(r *rig, _ *feeder, p *peer) {
			again := r.ask("GET", "/streams/a", wmpAgent, "Pragma: xPlayStrm=1,client-id="+idOf(p)+"\r\n")
			if !strings.Contains(again.status(), "400") {
				r.t.Errorf("%q, want 400", again.status())
			}
			p.hangUp()
		}},
		{"was told to go", func(r *rig, _ *feeder, p *peer) {
			r.loop.evict(p.conn)
			r.turn()
		}},
	} {
		r := newRig(t, mostViewers(4), "a")
		f := r.feeder(0, 320)
		f.publish(1)
		r.watch("a", curlAgent)
		r.watch("a", ffmpegAgent)
		c.goes(r, f, r.watch("a", wmpAgent))
		if r.seats() != 2 {
			t.Errorf("%s: %d seats are taken, want 2", c.name, r.seats())
		}
	}
}

// idOf is the client-id that the reply to a Play gave.
func idOf(p *peer) string {
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	return id
}

func TestSeatsWhenAllEnds(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[1].Hold = config.Duration(time.Minute) }, "a", "b")
	f := r.feeder(0, 320)
	f.publish(1)
	for _, agent := range []string{curlAgent, ffmpegAgent, vlcAgent, wmpAgent} {
		r.watch("a", agent)
		r.watch("b", agent) // waits
	}
	if r.seats() != 8 {
		t.Errorf("%d seats, want 8", r.seats())
	}
	f.src.End()
	r.turn()
	if r.seats() != 4 {
		t.Errorf("%d seats after the end of a stream, want 4", r.seats())
	}
	r.loop.stop(r.at)
	r.turn()
	if r.seats() != 0 {
		t.Errorf("%d seats after the end, want none", r.seats())
	}
}

// Who waits for a stream has a seat for that. What the stream costs is known when it comes up: then no more of them get
// in than fit, and nobody in between.
func TestHeldViewersCount(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		holdFor(10 * time.Second)(c)
		c.Server.MaxViewers = 6
		c.Streams[0].MaxBandwidth = 900e3
	}, "a")
	var waiting []*peer
	for range 6 {
		waiting = append(waiting, r.watch("a", ffmpegAgent))
	}
	describe := r.ask("GET", "/streams/a", ffmpegAgent, "")
	late := r.watch("a", ffmpegAgent)
	if !strings.Contains(late.status(), "503") || !strings.Contains(describe.status(), "503") {
		t.Errorf("a seventh waits: %q, a Describe: %q", late.status(), describe.status())
	}
	waiting[5].hangUp()
	if r.seats() != 5 {
		t.Errorf("%d seats, want 5", r.seats())
	}
	f := r.feeder(0, 320) // 300 kbit/s
	f.publish(1)
	r.turn()
	in := slices.DeleteFunc(waiting[:5], func(p *peer) bool { return !strings.Contains(p.status(), "200") })
	if len(in) != 3 || r.seats() != 3 {
		t.Errorf("%d of five are in and have %d seats, want 3", len(in), r.seats())
	}
}

// A held Describe has a seat while it waits, and none when it has its answer.
func TestHeldDescribe(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	p := r.connect()
	p.say("GET /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\n\r\n")
	gone := r.ask("GET", "/streams/a", ffmpegAgent, "")
	if r.seats() != 2 {
		t.Errorf("%d seats, want 2", r.seats())
	}
	r.feeder(0, 320).publish(1)
	r.turn()
	if !strings.Contains(p.status(), "200") || p.fin || !gone.fin || r.seats() != 0 {
		t.Errorf("%q, FIN %v, %d seats", p.status(), p.fin, r.seats())
	}
	r.watch("a", ffmpegAgent).hangUp()
	late := newRig(t, holdFor(10*time.Second), "a")
	late.watch("a", ffmpegAgent)
	late.pass(11 * time.Second)
	late.turn()
	if late.seats() != 0 {
		t.Errorf("%d seats when the hold is over", late.seats())
	}
}

func TestOneAddress(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Server.MaxPerIP = 1
		c.Server.Siblings = []string{"mmsh://b.example:8086"}
	}, "a")
	r.feeder(0, 320).publish(1)
	for _, c := range []struct{ from, status string }{
		{"192.0.2.1", "200"},
		{"192.0.2.1", "503"}, // nor is it sent to a sibling
		{"::ffff:192.0.2.1", "503"},
		{"192.0.2.2", "200"},
		{"2001:db8::1", "200"},
		{"2001:db8::2", "503"},
		{"2001:db8:0:1::1", "200"},
	} {
		p := r.connectFrom(netip.MustParseAddr(c.from))
		p.say("GET /streams/a HTTP/1.0\r\n\r\n")
		if !strings.Contains(p.status(), c.status) {
			t.Errorf("%s: %q, want %s", c.from, p.status(), c.status)
		}
	}
}

// Servers that pass the stream on have what is kept for them: they are known by dialect and Via.
func TestRelaysFirst(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.MaxViewers, c.Server.RelayShare = 4, 5000 }, "a")
	r.feeder(0, 320).publish(1)
	play := func(agent, more string) *peer {
		return r.ask("GET", "/streams/a", agent, "Pragma: xPlayStrm=1\r\n"+more)
	}
	play(ffmpegAgent, "")
	play(ffmpegAgent, "")
	if p := play(ffmpegAgent, "Via: 1.1 squid\r\n"); string(p.body()) != admission.Relays.Text()+"\n" {
		t.Errorf("%q, want that the rest is kept for relays", p.got)
	}
	for _, c := range []struct{ agent, more string }{
		{"NSServer/9.0.0.3171", ""}, {"NSPlayer/9.0.0.2980", "Via: 1.0 pumpd-0123456789abcdef\r\n"},
	} {
		if p := play(c.agent, c.more); !strings.Contains(p.status(), "200") {
			t.Errorf("%+v: %q, want 200", c, p.status())
		}
	}
	if p := play("NSServer/4.1.0.1", ""); !strings.Contains(p.status(), "503") {
		t.Errorf("a third relay: %q, want 503", p.status())
	}
}

func TestSessionIsOver(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.MaxSession = config.Duration(time.Minute) }, "a")
	log := r.listen()
	r.feeder(0, 320).publish(1)
	mmsh, raw := r.watch("a", ffmpegAgent), r.watch("a", curlAgent)
	relay := r.watch("a", "NSServer/9.0.0.3171")
	r.pass(59 * time.Second)
	r.turn()
	if mmsh.fin || raw.fin {
		t.Error("ended too early")
	}
	r.pass(2 * time.Second)
	r.turn()
	if !mmsh.fin || !raw.fin || relay.fin || r.read(mmsh.body()).ended != 0 || r.seats() != 1 {
		t.Errorf("FIN %v and %v, of the relay %v, $E %d, %d seats", mmsh.fin, raw.fin, relay.fin, r.read(mmsh.body()).ended,
			r.seats())
	}
	log.Has(t, "INFO viewer left", "reason=session_over", "agent="+ffmpegAgent)
}

// The ledger knows what a stream costs by its header, and by what has come once that is more.
func TestWhatAStreamCosts(t *testing.T) {
	r := newRig(t, nil, "a")
	s := &Server{reg: r.reg, node: r.loop.node, clock: clock.Clock{Now: r.now}}
	f := r.feeder(0, 320)
	f.publish(1)
	r.watch("a", ffmpegAgent)
	rate := func() int64 { return r.loop.node.ledger.View().Streams[0].Rate }
	if rate() != 300e3 {
		t.Errorf("%d bit/s, want the declared 300,000", rate())
	}
	for second := range uint32(20) {
		for i := range uint32(100) {
			n := 100*second + i + 1
			if err := f.src.Packet(asftest.Packet(n, 40+10*n, n%10 == 0, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(time.Second)
		s.measure()
	}
	if rate() != 800e3 {
		t.Errorf("%d bit/s, want 800,000 as measured", rate())
	}
}

// What forwards take of the line is kept for them, as long as there is something to push on, and given back with them.
func TestForwardsHaveTheirShare(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Streams[0].Forward = []string{"http://a.example/x", "https://b.example/x"}
	}, "a", "b")
	s := &Server{reg: r.reg, node: r.loop.node, clock: clock.Clock{Now: r.now}}
	r.feeder(0, 320).publish(1)
	r.feeder(1, 320).publish(1)
	s.measure()
	s.measure()
	ledger := r.loop.node.ledger
	st := r.reg.Streams()[0]
	want := ledger.CostOf(st.ID(), 0) + ledger.CostOf(st.ID(), admission.TLS)
	if taken, _ := ledger.Line(); taken != want || taken < 600e3 {
		t.Errorf("%d bit/s are kept, want %d", taken, want)
	}
	cfg := *st.Config()
	cfg.Forward = nil
	st.Configure(&cfg, &config.Default().Server)
	s.measure()
	if taken, _ := ledger.Line(); taken != 0 {
		t.Errorf("%d bit/s are kept for nobody", taken)
	}
}
