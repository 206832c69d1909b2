package server

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Turns come at once, then with pauses that grow.
func TestBrake(t *testing.T) {
	var b brake
	now := instant(time.Hour)
	who := guesser{0, networkOf(testClient)}
	var waits []time.Duration
	for range freeGuesses + 6 {
		at, ok := b.turn(who, now)
		if !ok {
			t.Fatal("no turn")
		}
		waits = append(waits, at.since(now))
		now = at
		b.wrong(who, now)
	}
	want := []time.Duration{0, 500, 1000, 2000, 4000, 5000, 5000}
	for i, w := range waits[freeGuesses-1:] {
		if w != want[i]*time.Millisecond {
			t.Errorf("wait %d: %v, want %v ms", i, w, want[i])
		}
	}
	if at, _ := b.turn(guesser{1, who.network}, now); at != now {
		t.Error("another stream has to wait")
	}
	later := now.add(guessMemory + maxGuessWait)
	if at, _ := b.turn(who, later); at != later {
		t.Error("guesses are not forgotten")
	}
	if b.forget(who); b.of(who, now).wrong != 0 {
		t.Error("a right password does not make good")
	}
}

func TestBrakeIsBounded(t *testing.T) {
	var b brake
	first := guesser{0, networkOf(testClient)}
	for range freeGuesses {
		b.wrong(first, 1)
	}
	for i := range uint32(3 * maxGuessers) {
		a := binary.BigEndian.AppendUint32(netip.MustParseAddr("2001:db8::").AsSlice()[:4], i)
		from, _ := netip.AddrFromSlice(append(a, 0, 0, 0, 0, 0, 0, 0, 1))
		b.wrong(guesser{0, networkOf(from)}, 1)
		if n := len(b.young) + len(b.old); n > 2*maxGuessers {
			t.Fatalf("%d guessers, limit %d", n, 2*maxGuessers)
		}
		if i == maxGuessers && b.of(first, 1).wrong != freeGuesses {
			t.Error("forgotten while there was room")
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := networkOf(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s is of %v, want %s", addr, got, want)
		}
	}
}

// guarded is a stream that wants a password, from anywhere.
func guarded(c *Config) {
	c.Streams[0].PushUsers, c.Streams[0].PushFrom = []string{"encoder:secret"}, nil
}

// guess sends a setup with a password from an address.
func (r *rig) guess(from, password string) *encoder {
	e := r.encoderAt(from)
	e.post(setupType, "0", 0, "Authorization: "+basicProof("encoder:"+password)+"\r\n")
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
	for i := range freeGuesses {
		if e := r.guess(attacker, "x"); !strings.Contains(e.status(), "401") {
			t.Fatalf("guess %d: %q, want 401 at once", i, e.status())
		}
	}
	var before time.Duration
	for i := range 4 {
		e := r.guess("2001:db8::"+string(rune('2'+i)), "x") // of the same /64
		if len(e.got) > 0 {
			t.Fatalf("guess %d was answered at once", freeGuesses+i)
		}
		after := r.awaitAnswer(e)
		if !strings.Contains(e.status(), "401") || after <= before {
			t.Errorf("guess %d: %q after %v, want 401 after more than %v", freeGuesses+i, e.status(), after, before)
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
	if limit := int(maxGuessWait/maxGuessPause) + 2; waiting == 0 || waiting > limit {
		t.Errorf("%d guesses wait, want at most %d", waiting, limit)
	}
	if e := r.guess("2001:db8:0:1::1", "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("right password from the next /64: %q, want 204 at once", e.status())
	}
	r.pass(maxGuessPause)
	r.turn() // one of them has had its turn
	honest := r.guess(attacker, "secret")
	if after := r.awaitAnswer(honest); !strings.Contains(honest.status(), "204") || after > maxGuessWait+choreInterval {
		t.Errorf("right password among guesses: %q after %v, want 204 within %v", honest.status(), after, maxGuessWait)
	}
	if e := r.guess(attacker, "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("and its next one: %q, want 204 at once", e.status())
	}
	if got := log(); strings.Count(got, "\n") > 4 || !strings.Contains(got, logPushWrong) || !strings.Contains(got,
		logPushBraked) {
		t.Errorf("log %q, want two lines of each kind at most", got)
	}
}

// Each request of a connection waits for its own turn, and a PushStart is no way around.
func TestGuessingOnOneConnection(t *testing.T) {
	r := newRig(t, guarded, "a")
	e := r.encoder()
	authorization := "Authorization: " + basicProof("encoder:x") + "\r\n"
	for range freeGuesses {
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
	field := "Authorization: " + encoderProof(digest{uri: "/streams/a_push"}) + "\r\n" // of the year 2023
	for range 3 * freeGuesses {
		e := r.encoder()
		if e.post(setupType, "0", 0, field); !strings.Contains(e.status(), "401") {
			t.Fatalf("%q, want 401 at once", e.got)
		}
	}
}
