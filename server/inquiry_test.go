package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/server/access"
	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/logging"
)

// private makes stream a one that not everybody may watch.
func private(change func(*config.Stream)) func(*config.Config) {
	return func(c *config.Config) {
		s := &c.Streams[0]
		s.ViewSatisfy, s.AuthFail = config.SatisfyAll, config.FailClosed
		s.AuthTTL, s.AuthTimeout = config.Duration(time.Minute), config.Duration(time.Minute)
		change(s)
	}
}

func byPassword(s *config.Stream) { s.ViewUsers = []auth.Secret{"ann:secret"} }

// get asks for a path as a player of raw ASF; fields are whole lines.
func (r *rig) get(path, fields string) *peer {
	p := r.connect()
	p.say("GET " + path + " HTTP/1.1\r\nUser-Agent: " + curlAgent + "\r\n" + fields + "\r\n")
	return p
}

// await turns the loop until the peer is answered. What it waits for is on another goroutine.
func (p *peer) await(t *testing.T) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(p.got) == 0; p.rig.turn() {
		if time.Now().After(end) {
			t.Fatal("no answer")
		}
		time.Sleep(time.Millisecond)
	}
	return p.status()
}

func basic(user, password string) string {
	return "Authorization: " + auth.BasicField(user, password) + "\r\n"
}

func TestViewFrom(t *testing.T) {
	r := newRig(t, private(func(s *config.Stream) { s.ViewFrom = []string{"2001:db8::/32"} }), "a", "open")
	r.feeder(0, 320).publish(3)
	r.feeder(1, 320).publish(3)
	if p := r.watch("a", wmpAgent); !strings.Contains(p.status(), "403") || !p.fin ||
		!strings.Contains(string(p.got), "this address may not watch this stream\n") {
		t.Errorf("stranger: %q", p.got)
	}
	near := r.connectFrom(netip.MustParseAddr("2001:db8::1"))
	near.say("GET /streams/a HTTP/1.0\r\n\r\n")
	if near.conn.viewer == nil {
		t.Errorf("neighbour: %q", near.got)
	}
	if p := r.watch("open", wmpAgent); p.conn.viewer == nil {
		t.Errorf("stranger at another stream: %q", p.got)
	}
	if n := r.reg.Streams()[0].Stats().Denied.Load(); n != 1 {
		t.Errorf("%d denied, want 1", n)
	}
}

func TestViewUsers(t *testing.T) {
	r := newRig(t, private(byPassword), "a")
	r.feeder(0, 320).publish(3)
	log := r.listen()
	for _, fields := range []string{"", basic("ann", "wrong"), basic("bob", "secret"), "Authorization: Negotiate x\r\n"} {
		p := r.get("/streams/a", fields)
		head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
		if !strings.Contains(p.status(), "401") || !strings.Contains(head, `WWW-Authenticate: Digest realm="pumpd"`) ||
			!strings.Contains(head, `WWW-Authenticate: Basic realm="pumpd"`) || !p.fin {
			t.Errorf("%q: %q, want both challenges and FIN", fields, p.got)
		}
	}
	p := r.get("/streams/a", basic("ann", "secret"))
	if p.conn.viewer == nil {
		t.Fatalf("right password: %q", p.got)
	}
	p.hangUp()
	log.Has(t, "INFO viewer left", "viewer=ann")
	if n := strings.Count(log.Text(), "WARN "+logging.ViewWrong+" stream=a "); n != 3 {
		t.Errorf("%d lines of wrong passwords, want 3", n)
	}
	if text := log.Text(); strings.Contains(text, "secret") || strings.Contains(text, "Basic") {
		t.Errorf("the log has it: %s", text)
	}
	if n := len(r.loop.asking); n > 0 {
		t.Errorf("%d inquiries are left", n)
	}
}

// A password behind a hash is compared beside the loop, and asked for by Basic alone.
func TestViewersHash(t *testing.T) {
	const hash = "$2a$04$KlUAFPcHzRYqbGrjxr6VJupJWEAW3vYH3V2FbQuNbhjGwk86Z9XI2"
	r := newRig(t, private(func(s *config.Stream) { s.ViewUsers = []auth.Secret{"ann:" + hash} }), "a")
	r.feeder(0, 320).publish(3)
	if p := r.get("/streams/a", ""); !strings.Contains(p.status(), "401") || strings.Contains(string(p.got), "Digest") {
		t.Errorf("%q, want 401 with Basic alone", p.got)
	}
	p, gone := r.get("/streams/a", basic("ann", "secret")), r.get("/streams/a", basic("ann", "other"))
	if p.conn.phase != holding || gone.conn.phase != holding {
		t.Fatalf("%q %q, want to wait", p.got, gone.got)
	}
	gone.hangUp()
	if p.await(t); p.conn.viewer == nil {
		t.Errorf("right password: %q", p.got)
	}
	if p := r.get("/streams/a", basic("ann", "wrong")); !strings.Contains(p.await(t), "401") {
		t.Errorf("wrong password: %q", p.got)
	}
}

// A Digest proof is good for one request, also where that one has to wait for the stream, and for the next one of the
// same connection not at all.
func TestDigestOfViewerThatIsHeld(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		private(byPassword)(c)
		c.Streams[0].Hold = config.Duration(time.Minute)
	}, "a")
	challenge := func() *auth.Login {
		_, after, _ := strings.Cut(string(r.get("/streams/a", "").got), "WWW-Authenticate: Digest ")
		offer, _, _ := strings.Cut(after, "\r\n")
		l := &auth.Login{User: "ann", Password: "secret"}
		if err := l.Learn("Digest " + offer); err != nil {
			t.Fatal(err)
		}
		return l
	}
	field := "Authorization: " + challenge().Field("GET", "/streams/a?x") + "\r\n"
	held := r.get("/streams/a?x", field)
	if len(held.got) > 0 || held.conn.phase != holding {
		t.Fatalf("%q, want to be held", held.got)
	}
	again := r.get("/streams/a?x", field)
	if got := string(again.got); !strings.Contains(again.status(), "401") || !strings.Contains(got, "stale=true") {
		t.Errorf("the same again: %q, want 401 and stale", got)
	}
	r.feeder(0, 320).publish(3)
	r.turn()
	r.turn()
	if held.conn.viewer == nil {
		t.Errorf("when the stream is up: %q", held.got)
	}
	// A pipeline of a Describe with a proof and one without.
	field = "Authorization: " + challenge().Field("GET", "/streams/a") + "\r\n"
	p := r.connect()
	p.say("GET /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\n" + field + "\r\n" +
		"GET /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\n\r\n")
	if got := string(p.got); strings.Count(got, "HTTP/1.1 200") != 1 || strings.Count(got, "HTTP/1.1 401") != 1 {
		t.Errorf("%q, want 200 and 401", got)
	}
}

// Guesses have to wait as those of encoders do, and apart from them.
func TestViewersGuess(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		private(byPassword)(c)
		guarded(c)
	}, "a")
	r.feeder(0, 320).publish(3)
	for range triesFree {
		if p := r.get("/streams/a", basic("ann", "x")); !strings.Contains(p.status(), "401") {
			t.Fatalf("%q, want 401 at once", p.got)
		}
	}
	late := r.get("/streams/a", basic("ann", "x"))
	honest := r.get("/streams/a", basic("ann", "secret"))
	if len(late.got)+len(honest.got) > 0 {
		t.Fatalf("%q %q at once", late.got, honest.got)
	}
	if e := r.guess(testClient.String(), "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("encoder of the same address: %q", e.got)
	}
	for range 100 {
		r.get("/streams/a", basic("ann", "x"))
	}
	if p := r.get("/streams/a", basic("ann", "x")); !strings.Contains(p.status(), "503") {
		t.Errorf("in a crowd: %q, want 503", p.got)
	}
	for honest.conn.viewer == nil {
		r.pass(choreInterval)
		if r.turn(); r.at.Since(0) > time.Minute {
			t.Fatalf("%q, want to watch", honest.got)
		}
	}
	if !strings.Contains(late.status(), "401") {
		t.Errorf("the guess before: %q", late.got)
	}
}

// sign gives the query of a URL of a stream.
func sign(t *testing.T, c *config.Stream, g access.Grant) string {
	t.Helper()
	p, err := access.New(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Sign(&url.URL{}, g)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSignedURLs(t *testing.T) {
	r := newRig(t, private(func(s *config.Stream) { s.ViewKeys = []auth.Secret{"0123456789abcdef"} }), "A.b")
	r.feeder(0, 320).publish(3)
	log := r.listen()
	c := r.reg.Streams()[0].Config()
	good := sign(t, c, access.Grant{Expires: time.Now().Unix() + 100, Viewer: "bob", From: testClient.String()})
	for path, status := range map[string]string{
		"/streams/a.b" + good:                                 "200",
		"//STREAMS/%41.B/" + good + "?MSWMExt=.asf":           "200",
		"http://h/streams/a.b" + good:                         "200",
		"/streams/a.b%23x" + good:                             "200",
		"/streams/a.b" + strings.Replace(good, "bob", "x", 1): "403",
		"/streams/a.b":                                        "403",
		"/streams/a.b" + sign(t, c, access.Grant{Expires: time.Now().Unix() - 1}):                        "403",
		"/streams/a.b" + sign(t, c, access.Grant{Expires: time.Now().Unix() + 100, From: "192.0.2.200"}): "403",
		"/streams/a.b" + strings.Replace(sign(t, c, access.Grant{Expires: 1}), "e=1", "e=9999999999", 1): "403",
	} {
		p := r.get(path, "")
		if got := p.status(); !strings.Contains(got, " "+status) {
			t.Errorf("%s: %s, want %s", path, got, status)
		}
		p.hangUp()
	}
	if text := log.Text(); strings.Count(text, "viewer=bob") != 4 || strings.Contains(text, "&s=") {
		t.Errorf("log %s, want bob four times and no signatures", text)
	}
}

// A callbackServer answers as the viewer's name says, once it is let go.
func callbackServer(t *testing.T) (at string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		has := func(s string) bool { return strings.Contains(string(body), s) }
		w.Header().Set("Content-Type", "application/json")
		switch {
		case has(`"query":"paid"`):
			io.WriteString(w, `{"user": "carl"}`)
		case has(`"user":"ann","password":"secret"`):
		case has(`"password"`), has(`"query":"who"`):
			w.WriteHeader(401)
		case has(`"query":"broken"`):
			w.WriteHeader(500)
		default:
			io.WriteString(w, `{"allow": false, "reason": "not paid"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestAuthURL(t *testing.T) {
	at, asked := callbackServer(t)
	for _, fail := range []string{config.FailClosed, config.FailOpen} {
		r := newRig(t, private(func(s *config.Stream) { s.AuthURL, s.AuthFail = at, fail }), "a")
		r.feeder(0, 320).publish(3)
		log := r.listen()
		broken := map[string]string{config.FailClosed: "503", config.FailOpen: "200"}[fail]
		asked.Store(0)
		for i, c := range []struct {
			path, fields, status, says string
			asked                      int64
		}{
			{"/streams/a?paid", "", "200", "", 1},
			{"/streams/a?paid", "", "200", "", 1},
			{"/streams/a?x", "", "403", "not paid", 2},
			{"/streams/a?x", "", "403", "not paid", 2},
			{"/streams/a?who", "", "401", "WWW-Authenticate: Basic realm=\"pumpd\"\r\n", 3},
			{"/streams/a?who", basic("ann", "secret"), "200", "", 4},
			{"/streams/a?who", basic("ann", "x"), "401", "WWW-Authenticate: Basic", 5},
			{"/streams/a?broken", "", broken, "", 6},
			{"/streams/a?broken", "", broken, "", 7},
		} {
			p := r.get(c.path, c.fields)
			if got := p.await(t); !strings.Contains(got, " "+c.status) || !strings.Contains(string(p.got), c.says) {
				t.Errorf("%s %d: %q, want %s %q", fail, i, p.got, c.status, c.says)
			}
			if got := string(p.got); strings.Contains(got, "Digest") {
				t.Errorf("%s %d: a challenge that nobody could check: %q", fail, i, got)
			}
			if n := asked.Load(); n != c.asked {
				t.Errorf("%s %d: asked %d times, want %d", fail, i, n, c.asked)
			}
			p.hangUp()
		}
		if text := log.Text(); strings.Count(text, "viewer=carl") != 2 ||
			strings.Count(text, "WARN "+logging.CallbackFails+" stream=a err=status 500\n") != 2 {
			t.Errorf("%s: log %s, want carl twice, and two failures", fail, text)
		}
		if strings.Contains(log.Text(), "secret") {
			t.Error("the log has a password")
		}
		if n := len(r.loop.asking); n > 0 {
			t.Errorf("%d inquiries are left", n)
		}
	}
}

// Passwords that only the callback can check are guessed as slowly as others.
func TestGuessingByCallback(t *testing.T) {
	at, asked := callbackServer(t)
	r := newRig(t, private(func(s *config.Stream) { s.AuthURL = at }), "a")
	r.feeder(0, 320).publish(3)
	for i := range triesFree {
		if got := r.get("/streams/a?who", basic("ann", fmt.Sprint(i))).await(t); !strings.Contains(got, "401") {
			t.Fatalf("%s, want 401", got)
		}
	}
	n := asked.Load()
	p := r.get("/streams/a?who", basic("ann", "next"))
	if r.turn(); len(p.got) > 0 || asked.Load() != n || p.conn.phase != holding {
		t.Errorf("%q, want to wait", p.got)
	}
}

// The loop waits for nobody: while a question is open it serves others; one who hangs up, or whose service never
// answers, leaves nothing.
func TestCallbackThatNeverAnswers(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	r := newRig(t, private(func(c *config.Stream) { c.AuthURL = s.URL }), "a", "open")
	r.feeder(0, 320).publish(3)
	r.feeder(1, 320).publish(3)
	gone, late := r.get("/streams/a?1", ""), r.get("/streams/a?2", "")
	if p := r.watch("open", wmpAgent); p.conn.viewer == nil {
		t.Errorf("another stream meanwhile: %q", p.got)
	}
	if gone.hangUp(); len(r.loop.asking) != 1 {
		t.Errorf("%d inquiries, want that of the other one", len(r.loop.asking))
	}
	r.pass(time.Minute)
	if r.turn(); len(late.got) > 0 {
		t.Errorf("%q before the time is over", late.got)
	}
	r.pass(2 * time.Second)
	r.turn()
	if r.turn(); !strings.Contains(late.status(), "503") || !strings.Contains(string(late.got), "Retry-After: ") {
		t.Errorf("%q, want 503", late.got)
	}
}

// A stream that a reload has taken away lets nobody in.
func TestStreamWithoutRights(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(3)
	r.loop.node.viewing.replace(nil)
	if p := r.watch("a", wmpAgent); !strings.Contains(p.status(), "404") {
		t.Errorf("%q, want 404", p.got)
	}
}
