package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/server/config"
)

// Requests as they come from real programs, and what mmsh.md says about the answer.
func TestAnswers(t *testing.T) {
	const wmp = "User-Agent: NSPlayer/12.0.7601.17514\r\n"
	const ff = "User-Agent: NSPlayer/4.1.0.3856\r\n"
	for _, c := range []struct {
		name, request string
		status        string
		fields        []string // lines that must be there
		stays         bool
	}{
		{"Describe", "GET /streams/a HTTP/1.0\r\n" + ff + "Connection: Close\r\n\r\n", "HTTP/1.0 200 OK",
			[]string{"Server: Rex/", "Cache-Control: no-cache", "Pragma: no-cache", "Pragma: client-id=",
				`Pragma: features="broadcast"`,
				"Content-Type: application/vnd.ms.wms-hdr.asfv1", "Content-Length: ", "Connection: close"}, false},
		{"Describe, xPlayStrm=0", "GET /streams/a HTTP/1.1\r\n" + ff + "Pragma: xPlayStrm=0\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK",
			[]string{"Content-Type: application/vnd.ms.wms-hdr.asfv1"}, false},
		{"Describe with stream-switch-entry", "GET /streams/a HTTP/1.0\r\n" + ff + "Pragma: stream-switch-entry=ffff:1:0 " +
			"\r\n\r\n", "HTTP/1.0 200 OK",
			[]string{"Content-Type: application/vnd.ms.wms-hdr.asfv1"}, false},
		{"Describe of WMP 12", "GET /streams/a HTTP/1.1\r\n" + wmp + "Connection: Keep-Alive\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"Connection: Keep-Alive", `Pragma: features="broadcast,playlist"`}, true},
		{"Describe, HTTP/1.0, keep-alive by name", "GET /streams/a HTTP/1.0\r\n" + wmp + "Connection: keep-alive\r\n\r\n",
			"HTTP/1.0 200 OK",
			[]string{"Connection: Keep-Alive"}, true},
		{"Describe of an old player over HTTP/1.1", "GET /streams/a HTTP/1.1\r\n" + ff + "\r\n", "HTTP/1.1 200 OK",
			[]string{"Connection: close"}, false},
		{"Describe with an unknown client-id", "GET /streams/a HTTP/1.1\r\n" + wmp + "Pragma: client-id=77\r\n\r\n",
			"HTTP/1.1 200 OK",
			[]string{"Pragma: xResetStrm=1"}, true},
		{"head of an NSPlayer", "HEAD /streams/a HTTP/1.1\r\n" + wmp + "Connection: close\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"Content-Length: "}, false},
		{"head of a Play", "HEAD /streams/a HTTP/1.1\r\n" + wmp + "Pragma: xPlayStrm=1\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"Content-Type: application/x-mms-framed", "Pragma: client-id=", "X-Accel-Buffering: no",
				"Connection: close"}, false},
		{"head of nothing", "HEAD /streams/b HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 404 Not Found",
			[]string{"Content-Length: 15"}, false},
		{"head too large for HEAD", "HEAD /streams/a HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 65) + "\r\n", "HTTP/1.1 431 ",
			nil, false},
		{"two hosts", "GET /streams/a HTTP/1.1\r\n" + wmp + "Host: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 ", nil, false},
		{"escaped path", "GET /%73treams/%41 HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 200 OK", nil, true},
		{"escaped slash", "GET /streams%2Fa HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 404 Not Found", nil, false},
		{"MPlayer's fragment", "GET /streams/a%23" + strings.Repeat("t=10", 500) + " HTTP/1.0\r\n" + ff + "\r\n",
			"HTTP/1.0 200 OK", nil, false},
		{"escaped path that is too long", "GET /streams/" + strings.Repeat("%61", 500) + " HTTP/1.0\r\n" + ff + "\r\n",
			"HTTP/1.0 404 Not Found", nil, false},
		{"WMP's query", "GET /streams/a?MSWMExt=.asf HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 200 OK", nil, true},
		{"WMP's query behind a slash and a fragment", "GET //streams/a/%23x?MSWMExt=.asf HTTP/1.1\r\n" + wmp + "\r\n",
			"HTTP/1.1 200 OK", nil, true},
		{"WMP's query in a URL", "GET http://h:80/streams/a?MSWMExt=.asf HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 200 OK", nil,
			true},
		{"WMP's query in a log", "POST /streams/a?MSWMExt=.asf HTTP/1.1\r\n" + wmp +
			"Content-Type: application/x-wms-LogStats\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content", nil, true},
		{"setup with an escaped path and a query", "POST /streams/a%5Fpush?MSWMExt=.asf HTTP/1.1\r\n" +
			"Content-Type: application/x-wms-pushsetup\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content", nil, true},
		{"head of a browser", "HEAD /streams/a HTTP/1.1\r\nUser-Agent: curl/8\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"Content-Type: video/x-ms-asf", "Connection: close"}, false},
		{"OPTIONS", "OPTIONS * HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 200 OK",
			[]string{"Public: GET, POST, OPTIONS", "Allow: OPTIONS", "Content-Length: 0"}, true},
		{"log", "POST /streams/a HTTP/1.1\r\n" + wmp + "Content-Type: application/x-wms-LogStats;charset=UTF-8\r\n" +
			"Content-Length: 5\r\n\r\n<XML>", "HTTP/1.1 204 No Content",
			[]string{"Content-Length: 0"}, true},
		{"log of an old player", "POST /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/6.4\r\nPragma: log-line=1.2.3.4 2026 a, " +
			"b\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 204 No Content",
			[]string{"Content-Length: 0", "Connection: close"}, false},
		{"event", "POST /streams/a HTTP/1.1\r\n" + wmp + "Content-Type: application/x-wms-sendevent\r\n" +
			"Content-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK", nil, true},
		{"content info", "POST /streams/a HTTP/1.1\r\nUser-Agent: NSServer/9.1\r\n" +
			"Content-Type: application/x-wms-getcontentinfo\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK",
			[]string{"Cache-Control: no-cache"}, true},
		{"keep-alive of nobody", "POST /streams/a HTTP/1.1\r\n" + wmp + "Pragma: xKeepAliveInPause=1, client-id=5\r\n" +
			"Content-Length: 0\r\n\r\n", "HTTP/1.1 400 Bad Request", nil, false},
		{"stop of nobody", "POST /streams/a HTTP/1.1\r\n" + wmp + "Pragma: xStopStrm=1\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 400 Bad Request", nil, false},
		{"next entry", "GET /streams/a HTTP/1.1\r\n" + wmp + "Pragma: xPlayNextEntry=1\r\n\r\n", "HTTP/1.1 400 Bad Request",
			nil, false},
		{"unknown path", "GET /streams/b HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 404 Not Found", []string{"Content-Length: ",
			"Server: Rex/", "Connection: close"}, false},
		{"outside", "GET / HTTP/1.1\r\nUser-Agent: x\r\n\r\n", "HTTP/1.1 404 Not Found", nil, false},
		{"known and idle", "GET /streams/idle HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 503 Service Unavailable",
			[]string{"Retry-After: "}, false},
		{"viewer on a push path", "GET /streams/a_push HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 405 Method Not Allowed",
			[]string{"Allow: "}, false},
		{"method", "PUT /streams/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed", nil, false},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "HTTP/1.1 400 Bad Request", nil, false},
		{"head too large", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
			"HTTP/1.1 431 Request Header Fields Too Large", nil, false},
		{"line too long", "GET /" + strings.Repeat("a", 4<<10) + " HTTP/1.1\r\n" + wmp + "\r\n", "HTTP/1.1 414 URI Too Long",
			nil, false},
		{"too many fields", "GET /streams/a HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 65) + "\r\n",
			"HTTP/1.1 431 Request Header Fields Too Large", nil, false},
		{"way too long to read", "GET /streams/a HTTP/1.1\r\n" + wmp + "Via: 1.0 " + strings.Repeat("x", 1024) + "\r\n\r\n",
			"HTTP/1.1 431 Request Header Fields Too Large", nil, false},
		{"body too large", "POST /streams/a HTTP/1.1\r\nContent-Type: application/x-wms-LogStats\r\n" +
			"Content-Length: 70000\r\n\r\n", "HTTP/1.1 413 ", nil, false},
		{"push setup", "POST /streams/a_push HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\n" +
			"User-Agent: WMEncoder/12.0\r\nCookie: push-id=0\r\nContent-Length: 16\r\n\r\nAutoDestroy: 1\r\n",
			"HTTP/1.1 204 No Content",
			[]string{"Server: Cougar/9", "Set-Cookie: push-id=", "Pragma: timeout=60000", "Content-Length: 0"}, true},
		{"push to nowhere", "POST /streams/b_push HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\n" +
			"Content-Length: 0\r\n\r\n", "HTTP/1.1 404 Not Found", []string{"Server: Cougar/"}, false},
		{"push without length", "POST /streams/a_push HTTP/1.1\r\nContent-Type: application/x-wms-pushstart\r\n\r\n",
			"HTTP/1.1 411 Length Required", nil, false},
		{"push of nothing", "POST /streams/a_push HTTP/1.1\r\nContent-Type: application/x-wms-pushstart\r\n" +
			"Content-Length: 0\r\n\r\n", "HTTP/1.1 400 Bad Request", nil, false},
		{"setup too large", "POST /streams/a_push HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\n" +
			"Content-Length: 5000\r\n\r\n", "HTTP/1.1 413 ", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Whole, and byte by byte.
			for step := len(c.request); step > 0; step = min(step-1, 1) {
				r := newRig(t, nil, "a", "idle")
				r.feeder(0, 320).publish(3)
				p := r.connect()
				for i := 0; i < len(c.request); i += step {
					p.say(c.request[i:min(i+step, len(c.request))])
				}
				if !strings.HasPrefix(p.status(), c.status) {
					t.Fatalf("in steps of %d: %q, want %q", step, p.status(), c.status)
				}
				head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
				for _, f := range c.fields {
					if !strings.Contains(head+"\r\n", "\r\n"+f) {
						t.Errorf("no %q in %q", f, head)
					}
				}
				if strings.HasPrefix(c.request, "HEAD ") && len(p.body()) > 0 {
					t.Errorf("a body of %d bytes for HEAD", len(p.body()))
				}
				if p.conn.viewer != nil {
					t.Error("it watches")
				}
				if p.fin == c.stays {
					t.Errorf("in steps of %d: FIN %v, want %v", step, p.fin, !c.stays)
				}
			}
		})
	}
}

// The Describe and the Play must give the same header, or FFmpeg fails.
func TestDescribeAndPlayAgree(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	p := r.connect()
	p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/4.1\r\n\r\n")
	describe, play := p.body(), r.watch("a", ffmpegAgent).body()
	if len(describe) < 100 || !bytes.HasPrefix(play, describe) {
		t.Errorf("Describe of %d bytes is not how the Play of %d bytes begins", len(describe), len(play))
	}
	if !strings.Contains(string(p.got), fmt.Sprintf("Content-Length: %d\r\n", len(describe))) {
		t.Error("Content-Length is not that of the body")
	}
}

func TestPipelinedRequests(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	p := r.connect()
	const options = "OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n"
	p.say(strings.Repeat(options, 3) + "GET /streams/a HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n" +
		"Pragma: xPlayStrm=1\r\n\r\n")
	if n := strings.Count(string(p.got), "HTTP/1.1 200 OK"); n != 4 || p.conn.viewer == nil {
		t.Errorf("%d answers, viewing %v, want 4 and true", n, p.conn.viewer != nil)
	}
}

func TestSessions(t *testing.T) {
	const agent = "User-Agent: NSPlayer/12.0\r\n"
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	p := r.connect()
	p.say("GET /streams/a HTTP/1.1\r\n" + agent + "\r\n")
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	ask := func(request string) string {
		q := r.connect()
		q.say(request)
		return q.status()
	}
	play := "GET /streams/a HTTP/1.1\r\n" + agent + "Pragma: xPlayStrm=1,client-id=" + id + "\r\n\r\n"
	stop := "POST /streams/a HTTP/1.1\r\n" + agent + "Pragma: xStopStrm=1, client-id=" + id + "\r\nContent-Length: " +
		"0\r\n\r\n"
	p.say(play)
	if !strings.Contains(string(p.got), "x-mms-framed") || strings.Contains(string(p.got), "xResetStrm") {
		t.Fatalf("Play with the client-id of the Describe: %q", p.got)
	}
	if s := ask(play); !strings.Contains(s, "400") {
		t.Errorf("a second Play of the session: %q, want 400", s)
	}
	for _, kind := range []string{"Content-Type: application/x-wms-LogStats\r\n", "Pragma: xKeepAliveInPause=1\r\n",
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:2 \r\n", "Content-Type: application/x-wms-sendevent\r\n"} {
		q := r.connect()
		q.say("POST /streams/a HTTP/1.1\r\n" + agent + kind + "Pragma: client-id=" + id + "\r\nContent-Length: 0\r\n\r\n")
		if !strings.Contains(string(q.got), "\r\nPragma: client-id="+id+"\r\n") {
			t.Errorf("%q in the session: %q, want its client-id", kind, q.got)
		}
	}
	r.pass(5 * time.Minute)
	r.reg.Reap(r.at)
	if s := ask(stop); !strings.Contains(s, "200") {
		t.Errorf("Stop: %q, want 200", s)
	}
	r.turn()
	if got := r.read(p.body()[strings.Index(string(p.body()), "\r\n\r\n")+4:]); got.ended != 0 || !p.fin {
		t.Errorf("after Stop: $E %d, FIN %v", got.ended, p.fin)
	}
	r.pass(2 * time.Minute)
	r.reg.Reap(r.at)
	if s := ask(stop); !strings.Contains(s, "400") {
		t.Errorf("Stop of a session that is over: %q, want 400", s)
	}
}

func TestMMSTProbe(t *testing.T) {
	r := newRig(t, nil, "a")
	p := r.connect()
	for _, b := range append(mmst, "  MMS rest of it without a line end"...) {
		p.say(string([]byte{b}))
	}
	if !p.fin || p.gone || len(p.got) != 0 {
		t.Fatalf("FIN %v, closed %v, %q sent; want half-closed without a word", p.fin, p.gone, p.got)
	}
	r.pass(time.Second)
	r.turn()
	if !p.gone || p.reset {
		t.Errorf("a second later: closed %v, by reset %v, want true and false", p.gone, p.reset)
	}
}

func TestTimeouts(t *testing.T) {
	r := newRig(t, nil, "a")
	silent, slow, idle := r.connect(), r.connect(), r.connect()
	idle.say("OPTIONS * HTTP/1.1\r\nUser-Agent: NSPlayer/12.0\r\n\r\n")
	slow.say("GET / HT")
	r.pass(9 * time.Second)
	slow.say("TP/1.")
	r.turn()
	if silent.fin || slow.fin {
		t.Error("closed before request_head was over")
	}
	r.pass(2 * time.Second)
	r.turn()
	if !silent.fin || len(silent.got) != 0 {
		t.Errorf("silent: FIN %v, %q, want a close without a word", silent.fin, silent.got)
	}
	if !slow.fin || !strings.Contains(slow.status(), "408") {
		t.Errorf("slow: FIN %v, %q, want 408", slow.fin, slow.status())
	}
	r.pass(45 * time.Second)
	r.turn()
	if idle.fin {
		t.Error("an idle kept connection was closed after 56 s, want 60")
	}
	r.pass(5 * time.Second)
	r.turn()
	if !idle.fin {
		t.Error("an idle kept connection is open after 61 s")
	}
}

func TestRedirect(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Redirect404To = "http://other.example/streams/a" }, "a")
	for agent, want := range map[string]string{ffmpegAgent: "http:", vlcAgent: "mmsh:", wmpAgent: "http:",
		curlAgent: "http:"} {
		p := r.connect()
		p.say("GET /nothing HTTP/1.0\r\nUser-Agent: " + agent + "\r\n\r\n")
		if !strings.Contains(string(p.got), "302 Found\r\n") || !strings.Contains(string(p.got), "Location: "+want+
			"//other.example/streams/a\r\n") {
			t.Errorf("%s: %q, want 302 to %s", agent, p.got, want)
		}
	}
}

// Who sends no request is told so by the server of viewers, whomever the loop served last.
func TestAnswerToJunkIsItsOwn(t *testing.T) {
	r := newRig(t, nil, "a")
	r.encoder().setUp()
	p := r.connect()
	p.say("\x00\r\n\r\n")
	if !strings.Contains(string(p.got), "Server: Rex/") {
		t.Errorf("junk: %q, want an answer from Rex", p.got)
	}
	r.encoder().setUp()
	p = r.connect()
	p.say("GET / H")
	r.pass(11 * time.Second)
	r.turn()
	if !strings.Contains(string(p.got), "408") || !strings.Contains(string(p.got), "Server: Rex/") {
		t.Errorf("half a request: %q, want 408 from Rex", p.got)
	}
}

// A client-id that nobody has given out makes a new session, of which only version 7 and above may be told: mmsh.md §5.
func TestUnknownClientID(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	for agent, want := range map[string]bool{
		ffmpegAgent: false, "NSPlayer": false, "NSPlayer/6.4": false, "NSServer/4.1.0.3917": false,
		vlcAgent: true, "NSPlayer/7.1": true, "NSPlayer/8.0": true, wmpAgent: true, "NSServer/9.0": true,
		"WMCacheProxy/9.0": true,
	} {
		for _, play := range []string{"", ",xPlayStrm=1"} {
			p := r.connect()
			p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + agent + "\r\nPragma: client-id=77" + play + "\r\n\r\n")
			head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
			if got := strings.Contains(head, "xResetStrm=1"); !strings.Contains(head, "200 OK") || strings.Contains(head,
				"client-id=77\r") || got != want {
				t.Errorf("%s%s: xResetStrm %v, want %v and a new client-id: %q", agent, play, got, want, head)
			}
		}
	}
}

// HEAD asks what a Play would be answered, and leaves the session free for it.
func TestHeadDoesNotPlay(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	ask := func(method, id string) *peer {
		p := r.connect()
		p.say(method + " /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\nPragma: xPlayStrm=1" + id + "\r\n\r\n")
		return p
	}
	p := ask("HEAD", "")
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	if n := r.reg.Streams()[0].Stats().Viewers.Load(); n != 0 || len(p.body()) != 0 || !p.fin {
		t.Errorf("HEAD: %d viewers, body of %d bytes, FIN %v", n, len(p.body()), p.fin)
	}
	if p := ask("GET", ",client-id="+id); p.conn.viewer == nil || strings.Contains(string(p.got), "xResetStrm") {
		t.Errorf("Play of the session: %q", p.status())
	}
	if p := ask("HEAD", ",client-id="+id); !strings.Contains(p.status(), "200") || len(p.body()) != 0 {
		t.Errorf("HEAD while it plays: %q", p.status())
	}
}

// Raw ASF that can only be heard says so, and no live reply is to be collected by a proxy.
func TestLiveFields(t *testing.T) {
	audio := asf.Stream{Kind: asf.Audio}
	for want, streams := range map[string][]asf.Stream{
		"audio/x-ms-wma": {audio, {Kind: asf.Command}, audio},
		"video/x-ms-asf": {audio, {Kind: asf.Video}},
	} {
		if got := rawType(&asf.Header{Streams: streams}); got != want {
			t.Errorf("%v: %s, want %s", streams, got, want)
		}
	}
	for _, streams := range [][]asf.Stream{nil, {{Kind: asf.Command}}, {audio, {Kind: asf.Other}}} {
		if got := rawType(&asf.Header{Streams: streams}); got != "video/x-ms-asf" {
			t.Errorf("%v: %s", streams, got)
		}
	}
	r := newRig(t, nil, "a")
	f := r.feeder(0, 320)
	f.publish(3)
	for _, agent := range []string{curlAgent, ffmpegAgent} {
		if p := r.watch("a", agent); !strings.Contains(string(p.got), "\r\nX-Accel-Buffering: no\r\n") {
			t.Errorf("%s: %.300q", agent, p.got)
		}
	}
	h := bytes.Replace(asftest.Header(asftest.PacketSize, 320), asftest.GUIDVideo, asftest.GUIDAudio, 1)
	if err := f.src.Header(h); err != nil {
		t.Fatal(err)
	}
	f.publish(1)
	if p := r.watch("a", curlAgent); !strings.Contains(string(p.got), "\r\nContent-Type: audio/x-ms-wma\r\n") {
		t.Errorf("audio only: %.300q", p.got)
	}
}
