package server

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/fanout"
)

// entrances has, for each want, requests that ask for it, with %s for the path. gated: what it asks for is the
// stream's, so who has no right to it is refused. The others are answered the same whatever there is to see.
var entrances = [wantCount]struct {
	gated    bool
	requests []string
}{
	wantNothing: {requests: []string{
		"PUT %s HTTP/1.1\r\n", "DELETE %s HTTP/1.1\r\n", "POST %s HTTP/1.1\r\nContent-Length: 0\r\n",
	}},
	wantDescribe: {gated: true, requests: []string{
		"GET %s HTTP/1.0\r\nUser-Agent: NSPlayer/4.1.0.3856\r\n",
		"HEAD %s HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n",
		"GET %s HTTP/1.1\r\nUser-Agent: NSServer/9.1\r\n",
		"GET %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xPlayStrm=0\r\n",
	}},
	wantPlay: {gated: true, requests: []string{
		"GET %s HTTP/1.0\r\nUser-Agent: NSPlayer/7.10.0.3059\r\nPragma: xPlayStrm=1\r\n",
		"HEAD %s HTTP/1.0\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xPlayStrm=1\r\n",
		"GET %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nVia: 1.1 pumpd-0123456789abcdef\r\nPragma: xPlayStrm=1\r\n",
	}},
	wantRaw: {gated: true, requests: []string{
		"GET %s HTTP/1.1\r\nUser-Agent: curl/8\r\n",
		"HEAD %s HTTP/1.1\r\n",
		"GET %s HTTP/1.1\r\nUser-Agent: x\r\nVia: 1.1 pumpd-0123456789abcdef\r\n",
		"GET %s HTTP/1.1\r\nUser-Agent: VLC/3.0.24 LibVLC/3.0.24\r\nRange: bytes=0-\r\n",
	}},
	wantPushSetup: {requests: []string{
		"POST %s_push HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\nContent-Length: 0\r\n",
		"POST %s HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\nContent-Length: 0\r\n",
	}},
	wantPushStart: {requests: []string{
		"POST %s_push HTTP/1.1\r\nContent-Type: application/x-wms-pushstart\r\nContent-Length: 9\r\n",
		"POST %s_push HTTP/1.1\r\nContent-Length: 9\r\n",
	}},
	wantOptions:  {requests: []string{"OPTIONS %s HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\nX: %s\r\n"}},
	wantPipeline: {requests: []string{"GET %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: pipeline-request=1\r\n"}},
	wantNextEntry: {requests: []string{
		"GET %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xPlayNextEntry=1\r\n",
	}},
	wantSelect: {requests: []string{
		"GET %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: client-id=7\r\nPragma: stream-switch-entry=ffff:1:0\r\n",
		"POST %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: stream-switch-entry=ffff:1:0\r\nContent-Length: 0\r\n",
	}},
	wantLog: {requests: []string{
		"POST %s HTTP/1.1\r\nContent-Type: application/x-wms-LogStats\r\nContent-Length: 0\r\n",
	}},
	wantEvent: {requests: []string{
		"POST %s HTTP/1.1\r\nContent-Type: application/x-wms-sendevent\r\nContent-Length: 0\r\n",
	}},
	wantContentInfo: {requests: []string{
		"POST %s HTTP/1.1\r\nContent-Type: application/x-wms-getcontentinfo\r\nContent-Length: 0\r\n",
	}},
	wantStop: {requests: []string{
		"POST %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xStopStrm=1\r\nContent-Length: 0\r\n",
	}},
	wantKeepAlive: {requests: []string{
		"POST %s HTTP/1.1\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xKeepAliveInPause=1\r\nContent-Length: 0\r\n",
	}},
}

var spellings = []string{"/streams/a", "//STREAMS/%41/", "http://h/streams/a?x=y?MSWMExt=.asf", "/streams/a%23x"}

// Whatever is asked for, in whatever spelling of the path, who may not watch gets nothing of a stream, and cannot even
// tell whether there is something to see.
func TestOneGateForAllRequests(t *testing.T) {
	conditions := map[string]struct {
		status string
		set    func(*config.Stream)
	}{
		"users": {"401", byPassword},
		"from":  {"403", func(s *config.Stream) { s.ViewFrom = []string{"10.0.0.0/8"} }},
		"keys":  {"403", func(s *config.Stream) { s.ViewKeys = append(s.ViewKeys, "0123456789abcdef") }},
		"url":   {"503", func(s *config.Stream) { s.AuthURL = "http://127.0.0.1:1/" }},
	}
	for name, cond := range conditions {
		for w, e := range entrances {
			if len(e.requests) == 0 {
				t.Errorf("want %d has no request here: which gate does it pass?", w)
			}
			for _, request := range e.requests {
				for _, path := range spellings {
					if strings.Contains(request, "%s_push") && strings.ContainsAny(path[1:], "?/%") {
						path = "/streams/a"
					}
					up := knock(t, cond.set, true, want(w), fmt.Sprintf(request, path)+"\r\n")
					idle := knock(t, cond.set, false, want(w), fmt.Sprintf(request, path)+"\r\n")
					if up != idle {
						t.Errorf("%s: want %d, %q: who may not watch can tell: %q, and %q without a source", name, w, request, up, idle)
					}
					if e.gated && !strings.Contains(up, " "+cond.status+" ") {
						t.Errorf("%s: want %d, %q: %q, want %s", name, w, request, up, cond.status)
					}
				}
			}
		}
	}
}

var random = regexp.MustCompile(`nonce="[0-9a-f]*"|push-id=\w+|Retry-After: \d+|pumpd-\w+`)

// knock asks for a stream that is not everybody's and gives what came, without what is random in it. up: there is
// something to see.
func knock(t *testing.T, set func(*config.Stream), up bool, w want, request string) string {
	t.Helper()
	r := newRig(t, private(set), "a")
	if up {
		r.feeder(0, 320).publish(12)
	}
	p := r.connect()
	p.say(request)
	if got := classify(&r.loop.request, fanout.DialectOf(&r.loop.request), strings.Contains(request, "_push")); got != w {
		t.Errorf("%q is want %d, not %d", request, got, w)
	}
	for end := time.Now().Add(time.Minute); p.conn.phase == holding && time.Now().Before(end); r.turn() {
		time.Sleep(time.Millisecond)
	}
	r.turn()
	if p.conn.viewer != nil || bytes.Contains(p.got, asftest.Header(asftest.PacketSize, 320)[:16]) {
		t.Errorf("%q is let in", request)
	}
	return random.ReplaceAllString(string(p.got), "…")
}

// Every listener that a server has is one of these: another kind needs a line here.
func TestOneGateForAllListeners(t *testing.T) {
	s := startTLSServer(t, func(s *Server) {
		r := viewRightsByStream{}
		for _, st := range s.reg.Streams() {
			cfg := *st.Config()
			private(byPassword)(&config.Config{Streams: []config.Stream{cfg}})
			cfg.ViewUsers, cfg.ViewSatisfy = append(cfg.ViewUsers, "ann:secret"), config.SatisfyAll
			rights, err := s.node.viewing.parse(&cfg)
			if err != nil {
				t.Fatal(err)
			}
			r[st] = rights
		}
		s.node.viewing.replace(r)
	})
	plain := func(a netip.AddrPort) (net.Conn, error) { return net.Dial("tcp", a.String()) }
	overTLS := func(a netip.AddrPort) (net.Conn, error) {
		return tls.Dial("tcp", a.String(), &tls.Config{InsecureSkipVerify: true})
	}
	ask := func(a netip.AddrPort, dial func(netip.AddrPort) (net.Conn, error)) {
		t.Helper()
		c, err := dial(a)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /streams/a HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if !strings.HasPrefix(string(got), "HTTP/1.0 401 ") {
			t.Errorf("%s: %q, %v, want 401", a, got, err)
		}
	}
	for _, a := range s.Addrs() {
		ask(a, plain)
	}
	for _, a := range s.TLSAddrs() {
		ask(a, overTLS)
	}
}

// Whatever bytes come on a connection, they get nobody in who has no right to.
func FuzzGate(f *testing.F) {
	for _, e := range entrances {
		for _, request := range e.requests {
			for _, path := range spellings {
				f.Add([]byte(strings.ReplaceAll(request, "%s", path) + "\r\n"))
				f.Add([]byte(strings.ReplaceAll(request, "%s", path) + basic("ann", "x") + "\r\n" +
					strings.ReplaceAll(request, "%s", path) + "\r\n"))
			}
		}
	}
	secret := fmt.Sprintf("%016x", rand.Uint64()) // which the fuzzer cannot learn
	f.Fuzz(func(t *testing.T, input []byte) {
		r := newRig(t, private(func(s *config.Stream) {
			s.PushFrom = []string{"10.0.0.0/8"} // or it would write the stream that it is to see
			s.ViewUsers, s.ViewKeys = []auth.Secret{auth.Secret("ann:" + secret)}, []auth.Secret{auth.Secret(secret)}
			s.ViewSatisfy = config.SatisfyAny
		}), "a")
		r.feeder(0, 320).publish(12)
		p := r.connect()
		p.say(string(input))
		for range 4 {
			r.pass(choreInterval)
			r.turn()
		}
		if p.conn.viewer != nil || bytes.Contains(p.got, asftest.Header(asftest.PacketSize, 320)[:16]) {
			t.Fatalf("%q is let in", input)
		}
	})
}
