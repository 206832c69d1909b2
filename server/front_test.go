package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/logging/logtest"
	"pumpd/server/proxied"
)

// fronted is a rig that trusts proxies on 10.0.0.1 and 127.0.0.1, with streams that change has its way with.
func fronted(t *testing.T, change func(*config.Config)) *rig {
	return newRig(t, func(cfg *config.Config) {
		cfg.Server.TrustedProxies = []string{"10.0.0.1", "127.0.0.1"}
		if change != nil {
			change(cfg)
		}
	}, "a", "b")
}

func at(addr string) netip.Addr { return netip.MustParseAddr(addr) }

const (
	lineV1  = "PROXY TCP4 203.0.113.7 10.0.0.9 4660 8086\r\n"
	headV2  = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x09\x12\x34\x1f\x96"
	askPlay = "GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/12.0\r\nPragma: xPlayStrm=1\r\n"
)

// up has stream a be up.
func (r *rig) up() *encoder {
	e := &encoder{peer: r.connect()}
	e.setUp()
	e.start(endless)
	e.header(320)
	e.push(3)
	return e
}

// Whom the access log has for a viewer that comes from an address with a preface, however that comes, and with fields.
func TestViewersBehindProxies(t *testing.T) {
	for _, c := range []struct{ from, preface, fields, want string }{
		{"10.0.0.1", "", "", "10.0.0.1:"},
		{"10.0.0.1", lineV1, "", "203.0.113.7:4660 "},
		{"10.0.0.1", headV2, "", "203.0.113.7:4660 "},
		{"10.0.0.1", lineV1, "X-Forwarded-For: 198.51.100.3\r\n", "203.0.113.7:4660 "},
		{"10.0.0.1", "PROXY UNKNOWN\r\n", "", "10.0.0.1:"},
		{"10.0.0.1", "PROXY TCP4 127.0.0.1 10.0.0.9 1 2\r\n", "", "10.0.0.1:"},
		{"10.0.0.1", "", "X-Forwarded-For: 198.51.100.3, 203.0.113.7\r\n", "203.0.113.7:0 "},
		{"10.0.0.1", "", "Forwarded: for=\"[2001:db8::7]:4660\"\r\n", "[2001:db8::7]:4660 "},
		{"127.0.0.1", "PROXY TCP4 10.0.0.1 127.0.0.1 1 2\r\n", "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7:0 "},
		{"192.0.2.1", "", "X-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\n", "192.0.2.1:"},
	} {
		for _, step := range []int{1, 1000} {
			r := fronted(t, nil)
			log := r.listen()
			r.up()
			p := r.connectFrom(at(c.from))
			for say := c.preface + askPlay + c.fields + "\r\n"; say != ""; {
				n := min(step, len(say))
				p.say(say[:n])
				say = say[n:]
			}
			if !strings.Contains(p.status(), "200") {
				t.Fatalf("%+v: %q, want 200", c, p.status())
			}
			p.hangUp()
			log.Has(t, "INFO viewer left", "from="+c.want)
		}
	}
}

// From anybody else a PROXY header is nothing that could be understood, and a second one is from nobody that we trust.
func TestPROXYHeaderOfStrangers(t *testing.T) {
	for _, c := range []struct{ from, say string }{
		{"192.0.2.1", lineV1}, {"192.0.2.1", headV2}, {"127.0.0.2", lineV1}, {"::1", lineV1},
		{"10.0.0.1", lineV1 + lineV1}, {"10.0.0.1", headV2 + headV2}, {"10.0.0.1", lineV1 + headV2},
		{"10.0.0.1", "PROXY TCP4 127.0.0.1 10.0.0.9 1 2\r\n" + lineV1},
		{"10.0.0.1", askPlay + "\r\n" + lineV1}, // behind a request it is too late
		{"10.0.0.1", "PROXY TCP4 nobody 10.0.0.9 1 2\r\n"},
		{"10.0.0.1", headV2[:13] + "\x51\x00\x00"},
	} {
		r := fronted(t, nil)
		p := r.connectFrom(at(c.from))
		p.say(c.say)
		if c.say[0] == 'G' {
			continue // it has been refused by now, for there is nothing to watch
		}
		if !strings.Contains(p.status(), "400") || !p.fin {
			t.Errorf("%s says %q: %q, FIN %v, want 400 and FIN", c.from, c.say, p.got, p.fin)
		}
	}
}

// A header must come in the time of a request, and bytes of it do not prolong that.
func TestPROXYHeaderThatDoesNotEnd(t *testing.T) {
	r := fronted(t, nil)
	p := r.connectFrom(at("10.0.0.1"))
	for i := range 10 {
		p.say(headV2[i : i+1])
		r.pass(r.loop.limits.requestHead/10 + 1)
	}
	if r.turn(); !strings.Contains(p.status(), "408") || !p.fin {
		t.Errorf("%q, FIN %v, want 408 and FIN", p.got, p.fin)
	}
}

// Players try MMS over TCP through a proxy as well.
func TestProbeBehindAPROXYHeader(t *testing.T) {
	r := fronted(t, nil)
	p := r.connectFrom(at("10.0.0.1"))
	if p.say(headV2 + string(mmst)); !p.fin || len(p.got) > 0 {
		t.Errorf("%q, FIN %v, want a FIN and nothing else", p.got, p.fin)
	}
}

// Who may push where a proxy is in front. A proxy on this machine is not this machine.
func TestWhoMayPushThroughProxies(t *testing.T) {
	unknown, local := "PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	for _, c := range []struct {
		allowed               []string
		from, preface, fields string
		status                string
	}{
		{nil, "127.0.0.1", "", "", "403"},
		{nil, "127.0.0.1", unknown, "", "403"},
		{nil, "127.0.0.1", local, "", "403"},
		{nil, "127.0.0.1", local, "X-Forwarded-For: 127.0.0.2\r\n", "403"},
		{nil, "127.0.0.1", lineV1, "", "403"},
		{nil, "127.0.0.1", "", "X-Forwarded-For: 203.0.113.7\r\n", "403"},
		{nil, "127.0.0.1", "", "X-Forwarded-For: 127.0.0.2, 203.0.113.7\r\n", "403"},
		{nil, "127.0.0.1", "", "X-Forwarded-For: 127.0.0.2, unknown\r\n", "403"},
		{nil, "127.0.0.1", "", "X-Forwarded-For: 127.0.0.1\r\n", "403"},
		{nil, "127.0.0.1", "PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n", "", "204"}, // it is somebody else on this machine
		{nil, "127.0.0.2", "", "", "204"},                                       // no proxy
		{nil, "::1", "", "X-Forwarded-For: 203.0.113.7\r\n", "204"},             // nor this, whatever it says
		{nil, "10.0.0.1", "PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n", "", "403"},  // its machine, not ours
		{[]string{"203.0.113.7"}, "127.0.0.1", lineV1, "", "204"},
		{[]string{"203.0.113.7"}, "127.0.0.1", "", "X-Forwarded-For: 203.0.113.7\r\n", "204"},
		{[]string{"203.0.113.7"}, "127.0.0.1", "", "X-Forwarded-For: 203.0.113.7, 198.51.100.3\r\n", "403"},
		{[]string{"203.0.113.7"}, "192.0.2.1", "", "X-Forwarded-For: 203.0.113.7\r\n", "403"},
		{[]string{"127.0.0.1"}, "127.0.0.1", lineV1, "", "403"},
		{[]string{"127.0.0.1"}, "127.0.0.1", unknown, "", "403"},
		{[]string{"127.0.0.1"}, "127.0.0.1", local, "", "403"},
		{[]string{"127.0.0.1"}, "127.0.0.1", "", "", "204"}, // an encoder beside the proxy, which was asked for
		{[]string{"0.0.0.0/0"}, "127.0.0.1", unknown, "", "204"},
	} {
		r := fronted(t, func(cfg *config.Config) { cfg.Streams[0].PushFrom = c.allowed })
		p := r.connectFrom(at(c.from))
		p.say(c.preface + "POST /streams/a_push HTTP/1.1\r\nContent-Type: " + setupType + "\r\nContent-Length: 0\r\n" +
			c.fields + "\r\n")
		if !strings.Contains(p.status(), c.status) {
			t.Errorf("%+v: %q", c, p.status())
		}
	}
}

// A proxy may send the requests of several clients on one connection: a session is that of the client.
func TestSessionsBehindAProxy(t *testing.T) {
	r := fronted(t, nil)
	r.up()
	p := r.connectFrom(at("10.0.0.1"))
	ask := func(client, request string) string {
		p.got = nil
		p.say(request + "User-Agent: NSPlayer/12.0.7601.17514\r\nX-Forwarded-For: " + client + "\r\n\r\n")
		return p.status()
	}
	if got := ask("203.0.113.7", "GET /streams/a HTTP/1.1\r\nConnection: Keep-Alive\r\n"); !strings.Contains(got, "200") {
		t.Fatalf("Describe: %q", got)
	}
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	alive := "POST /streams/a HTTP/1.1\r\nContent-Length: 0\r\nPragma: xKeepAliveInPause=1\r\n" +
		"Pragma: client-id=" + id + "\r\n"
	if got := ask("203.0.113.7", alive); !strings.Contains(got, "200") {
		t.Errorf("its own client-id: %q", got)
	}
	if got := ask("203.0.113.8", alive); !strings.Contains(got, "400") {
		t.Errorf("another's client-id: %q", got)
	}
}

// Places for each address are those of the clients, not of the proxy.
func TestPlacesBehindAProxy(t *testing.T) {
	r := fronted(t, func(cfg *config.Config) { cfg.Server.MaxPerIP = 1 })
	r.up()
	enter := func(preface, fields, want string) *peer {
		t.Helper()
		p := r.connectFrom(at("10.0.0.1"))
		if p.say(preface + askPlay + fields + "\r\n"); !strings.Contains(p.status(), want) {
			t.Errorf("%q, %q: %q, want %s", preface, fields, p.status(), want)
		}
		return p
	}
	first := enter(lineV1, "", "200")
	enter("", "X-Forwarded-For: 203.0.113.8\r\n", "200")
	enter("", "X-Forwarded-For: 203.0.113.7\r\n", "503")
	enter(headV2, "", "503")
	first.hangUp()
	enter("", "Forwarded: for=203.0.113.7\r\n", "200")
	enter("PROXY UNKNOWN\r\n", "", "200")
	enter("", "", "503") // those whom the proxy does not name share its own
}

// Wrong passwords of one client do not hold up the others behind the same proxy.
func TestGuessesBehindAProxy(t *testing.T) {
	r := fronted(t, func(cfg *config.Config) {
		cfg.Streams[0].PushUsers, cfg.Streams[0].PushFrom = []auth.Secret{"encoder:secret"}, nil
	})
	try := func(client string) *peer {
		p := r.connectFrom(at("10.0.0.1"))
		p.say("PROXY TCP4 " + client + " 10.0.0.9 4660 8086\r\nPOST /streams/a_push HTTP/1.1\r\nContent-Type: " + setupType +
			"\r\nContent-Length: 0\r\nAuthorization: Basic eDp4\r\n\r\n")
		return p
	}
	for range 100 {
		try("203.0.113.7")
	}
	if p := try("203.0.113.7"); !strings.Contains(p.status(), "503") {
		t.Errorf("one guess more: %q, want 503", p.status())
	}
	if p := try("203.0.113.8"); !strings.Contains(p.status(), "401") {
		t.Errorf("another client: %q, want 401 at once", p.status())
	}
}

// In reserve everybody counts by the own address, and an encoder that is known has a place where strangers have none.
func TestReserveBehindAProxy(t *testing.T) {
	r := fronted(t, nil)
	r.gate(3)
	g := r.loop.gate
	for range 3 {
		r.up().hangUp()
		p := r.connect()
		p.say(askPlay + "\r\n")
	}
	if n := g.ordinary.Load(); n != 3 {
		t.Fatalf("%d ordinary places are taken, want 3", n)
	}
	var all []*peer
	for i := range 4 {
		p := r.connectFrom(at("10.0.0.1"))
		p.say(fmt.Sprintf("PROXY TCP4 203.0.113.%d 10.0.0.9 4660 8086\r\n", i))
		all = append(all, p)
	}
	for i, p := range all {
		if p.gone || p.conn.guest.crowd != &g.reserve || p.conn.guest.from != at(fmt.Sprintf("203.0.113.%d", i)) {
			t.Errorf("client %d: gone %v, %+v, want a place by its own address", i, p.gone, p.conn.guest)
		}
	}
	known := r.connectFrom(at("10.0.0.1"))
	known.say("PROXY TCP4 192.0.2.1 10.0.0.9 4660 8086\r\n") // the encoder's address
	if known.conn.guest.crowd != &g.familiar {
		t.Error("the encoder is not known behind a proxy")
	}
	one := r.connectFrom(at("10.0.0.1"))
	one.say("PROXY TCP4 203.0.113.3 10.0.0.9 4661 8086\r\n")
	r.turn()
	if !all[3].ended() || all[0].ended() && all[1].ended() {
		t.Error("two of one address do not make room for each other")
	}
	for _, p := range append(all, known, one) {
		p.hangUp()
	}
	if n := len(g.reserve.of) + len(g.familiar.of); n != 0 {
		t.Errorf("%d origins are left", n)
	}
}

// Encoders that a proxy gives no port are told apart all the same, and the log says who has replaced whom.
func TestEncodersBehindAProxy(t *testing.T) {
	r := fronted(t, func(cfg *config.Config) { cfg.Streams[0].PushFrom = []string{"203.0.113.7"} })
	log := r.listen()
	push := func() *encoder {
		e := &encoder{peer: r.connectFrom(at("10.0.0.1"))}
		e.say("POST /streams/a_push HTTP/1.1\r\nContent-Type: " + startType + "\r\nX-Forwarded-For: 203.0.113.7\r\n" +
			fmt.Sprintf("Content-Length: %d\r\n\r\n", endless))
		e.header(320)
		e.push(3)
		r.turn()
		return e
	}
	old := push()
	oldAt := r.loop.fronts[old.conn].base.At.String()
	young := push()
	r.turn()
	log.Has(t, "INFO source takes the stream over", `from=203.0.113.7:0 by `+r.loop.fronts[young.conn].base.At.String(),
		`replaces=203.0.113.7:0 by `+oldAt)
}

// believe has a server that runs trust proxies.
func (s *Server) believe(t *testing.T, networks ...string) {
	trusted, err := proxied.ParseTrusted(networks)
	if err != nil {
		t.Fatal(err)
	}
	s.node.proxies.Store(&trusted)
	for _, l := range s.node.loops {
		l.limits.proxies = trusted
	}
}

// A prefacing connection writes something before all else, and that and the first bytes of this in pieces.
type prefacing struct {
	net.Conn
	preface string
	piece   int
}

func (p *prefacing) Write(b []byte) (int, error) {
	all := append([]byte(p.preface), b...)
	p.preface = ""
	for len(all) > 0 {
		n, err := p.Conn.Write(all[:min(p.piece, len(all))])
		if err != nil {
			return 0, err
		}
		all = all[n:]
	}
	return len(b), nil
}

// Before TLS a PROXY header is read as before anything else; of what comes behind it nothing is lost.
func TestPROXYHeaderBeforeTLS(t *testing.T) {
	t.Parallel()
	log := &logtest.Book{}
	s := startTLSServerThatLogs(t, slog.New(log), func(s *Server) {
		s.believe(t, "127.0.0.0/8")
		here, _ := auth.ParseNetworks([]string{"127.0.0.1"})
		s.node.access.replace(pushRightsByStream{s.reg.Streams()[0]: {from: here}})
	})
	s.push()
	for _, preface := range []string{lineV1, headV2, ""} {
		for _, piece := range []int{1, 1 << 20} {
			raw := dial(t, s.tls)
			slow := &prefacing{Conn: raw, preface: preface, piece: piece}
			c := tls.Client(slow, &tls.Config{InsecureSkipVerify: true})
			body := watchOn(t, c, curlAgent)
			if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
				t.Fatalf("%q: %v", preface, err)
			}
			want := "from=203.0.113.7:4660 "
			if preface == "" {
				want = "from=" + raw.LocalAddr().String() + " "
			}
			before := strings.Count(log.Text(), want)
			raw.Close()
			s.until("the viewer is in the log", func() bool { return strings.Count(log.Text(), want) > before })
		}
	}
	for _, bad := range []string{"PROXY TCP4 x\r\n", headV2 + "GET / HTTP/1.0\r\n\r\n"} {
		raw := dial(t, s.tls)
		io.WriteString(raw, bad)
		raw.SetReadDeadline(time.Now().Add(time.Minute))
		res, err := http.ReadResponse(bufio.NewReader(raw), nil)
		if strings.HasPrefix(bad, headV2) && (err != nil || res.StatusCode != 400) {
			t.Errorf("%q: %v, %v, want 400: this port speaks TLS", bad, res, err)
		} else if !strings.HasPrefix(bad, headV2) && err == nil {
			t.Errorf("%q is answered", bad)
		}
	}
	s.until("all are gone", func() bool { return s.gate.inside.Load() == 1 })
}

// A client that says nothing more takes the places of its own address from nobody else, all of them behind one proxy.
func TestHandshakesBehindAProxy(t *testing.T) {
	t.Parallel()
	s := startTLSServer(t, func(s *Server) {
		s.believe(t, "127.0.0.0/8")
		s.handshakes.greeting = crowd{most: 8, each: 2}
	})
	speak := func(client string) net.Conn {
		c := dial(t, s.tls)
		fmt.Fprintf(c, "PROXY TCP4 %s 10.0.0.9 4660 8089\r\n", client)
		return c
	}
	count := func(client string) int {
		w := &s.handshakes.greeting
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.of[at(client)]
	}
	quiet := speak("203.0.113.8")
	s.until("one is in", func() bool { return count("203.0.113.8") == 1 })
	for range 6 {
		speak("203.0.113.7")
	}
	s.until("the others are held to their part", func() bool {
		return count("203.0.113.7") == 2 && s.gate.inside.Load() == 3
	})
	if count("203.0.113.8") != 1 {
		t.Error("the one from another address had to go")
	}
	quiet.Close()
}
