package server

import (
	"strings"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/logging"
)

// What package auth does to those who guess.
const (
	triesFree = 5
	mostPause = 2 * time.Second
	mostWait  = 30 * time.Second // for a turn
)

// guarded is a stream that wants a password, from anywhere.
func guarded(c *config.Config) {
	c.Streams[0].PushUsers, c.Streams[0].PushFrom = []auth.Secret{"encoder:secret"}, nil
}

// guess sends a setup with a password from an address.
func (r *rig) guess(from, password string) *encoder {
	e := r.encoderAt(from)
	e.post(setupType, "0", 0, "Authorization: "+auth.BasicField("encoder", password)+"\r\n")
	return e
}

// awaitAnswer turns the loop until somebody is answered.
func (r *rig) awaitAnswer(e *encoder) (after time.Duration) {
	for ; len(e.got) == 0 && after < time.Minute; after += choreInterval {
		r.pass(choreInterval)
		r.turn()
	}
	return after
}

// Guesses are answered one after another, each later than the one before; a right password has its turn among them, and
// people elsewhere notice nothing.
func TestGuessing(t *testing.T) {
	r := newRig(t, guarded, "a")
	log := r.logged()
	const attacker = "2001:db8::1"
	for i := range triesFree {
		if e := r.guess(attacker, "x"); !strings.Contains(e.status(), "401") {
			t.Fatalf("guess %d: %q, want 401 at once", i, e.status())
		}
	}
	var before time.Duration
	for i := range 4 {
		e := r.guess("2001:db8::"+string(rune('2'+i)), "x") // of the same /64
		if len(e.got) > 0 {
			t.Fatalf("guess %d was answered at once", triesFree+i)
		}
		after := r.awaitAnswer(e)
		if !strings.Contains(e.status(), "401") || after < before {
			t.Errorf("guess %d: %q after %v, want 401 after at least %v", triesFree+i, e.status(), after, before)
		}
		before = after
	}
	var flood []*encoder
	for range 100 {
		flood = append(flood, r.guess(attacker, "x"))
	}
	waiting := 0
	for _, e := range flood {
		switch {
		case len(e.got) == 0:
			waiting++
		case !strings.Contains(e.status(), "503") || !strings.Contains(string(e.got), "Retry-After: ") || !e.fin:
			t.Fatalf("guess in a crowd: %q, FIN %v, want 503 and FIN", e.got, e.fin)
		}
	}
	if limit := int(mostWait/mostPause) + 2; waiting == 0 || waiting > limit {
		t.Errorf("%d guesses wait, want at most %d", waiting, limit)
	}
	if e := r.guess("2001:db8:0:1::1", "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("right password from the next /64: %q, want 204 at once", e.status())
	}
	r.pass(mostPause)
	r.turn() // one of them has had its turn
	honest := r.guess(attacker, "secret")
	if after := r.awaitAnswer(honest); !strings.Contains(honest.status(), "204") || after > mostWait+choreInterval {
		t.Errorf("right password among guesses: %q after %v, want 204 within %v", honest.status(), after, mostWait)
	}
	if e := r.guess(attacker, "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("and its next one: %q, want 204 at once", e.status())
	}
	if got := log(); strings.Count(got, "\n") > 4 || !strings.Contains(got, logging.PushWrong) || !strings.Contains(got,
		logging.PushBraked) {
		t.Errorf("log %q, want two lines of each kind at most", got)
	}
}

// Each request of a connection waits for its own turn, and a PushStart is no way around.
func TestGuessingOnOneConnection(t *testing.T) {
	r := newRig(t, guarded, "a")
	e := r.encoder()
	authorization := "Authorization: " + auth.BasicField("encoder", "x") + "\r\n"
	for range triesFree {
		e.post(setupType, "0", 0, authorization)
	}
	for range 3 {
		e.post(setupType, "0", 0, authorization)
		e.post(setupType, "0", 0, authorization) // pipelined
		if len(e.got) > 0 {
			t.Fatalf("%q without a pause", e.got)
		}
		r.awaitAnswer(e)
		if n := strings.Count(string(e.got), "HTTP/1.1 401"); n != 1 {
			t.Fatalf("%d answers at once, want one", n)
		}
		e.got = nil
		r.awaitAnswer(e)
	}
	s := r.encoder()
	if s.post(startType, "0", endless, authorization); len(s.got) > 0 {
		t.Errorf("a start: %q without a pause", s.got)
	}
	if s.hangUp(); r.loop.conns.find(s.conn.fd) != nil {
		t.Error("one that hung up is still there")
	}
}

// Old nonces and repeated requests are no guesses.
func TestStaleIsNoGuess(t *testing.T) {
	r := newRig(t, guarded, "a")
	old := `Digest realm="pumpd", qop="auth", nonce="` + strings.Repeat("0", 48) + `"` // of another process
	field := encoderLogin(t, old).Field("POST", "/streams/a_push")
	for range 3 * triesFree {
		e := r.encoder()
		if e.post(setupType, "0", 0, "Authorization: "+field+"\r\n"); !strings.Contains(e.status(), "401") {
			t.Fatalf("%q, want 401 at once", e.got)
		}
	}
}

// The whole of it, over a connection: a recorded setup is of no use, the encoder's next one is good.
func TestReplayedSetup(t *testing.T) {
	r := newRig(t, guarded, "a")
	challenge := func() string {
		e := r.encoder()
		e.post(setupType, "0", 0, "")
		_, after, _ := strings.Cut(string(e.got), "WWW-Authenticate: Digest ")
		offer, _, _ := strings.Cut(after, "\r\n")
		return "Digest " + offer
	}
	setUp := func(from, field string) string {
		e := r.encoderAt(from)
		e.post(setupType, "0", 0, "Authorization: "+field+"\r\n")
		if strings.Contains(e.status(), "401") != strings.Contains(string(e.got), "stale=true") {
			t.Errorf("%q, want stale=true with a 401", e.got)
		}
		return e.status()
	}
	const path = "/streams/a_push"
	mine, other := testClient.String(), "192.0.2.2"
	counted := encoderLogin(t, challenge())
	first, second := counted.Field("POST", path), counted.Field("POST", path)
	plain := encoderLogin(t, strings.Replace(challenge(), `, qop="auth"`, "", 1)).Field("POST", path)
	for i, c := range []struct{ from, field, status string }{
		{other, first, "401"},
		{mine, first, "204"},
		{mine, first, "401"},
		{other, first, "401"},
		{mine, second, "204"},
		{other, plain, "401"},
		{mine, plain, "204"},
		{mine, plain, "204"}, // Windows Media Encoder, on a new connection
	} {
		if got := setUp(c.from, c.field); !strings.Contains(got, c.status) {
			t.Errorf("%d: %s from %s: %q, want %s", i, c.field, c.from, got, c.status)
		}
	}
}

// encoderLogin is the encoder's answer to a challenge.
func encoderLogin(t *testing.T, challenge string) *auth.Login {
	t.Helper()
	l := &auth.Login{User: "encoder", Password: "secret"}
	if err := l.Learn(challenge); err != nil {
		t.Fatalf("%q: %v", challenge, err)
	}
	return l
}
