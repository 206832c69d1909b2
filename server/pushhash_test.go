package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// hashGuarded is guarded, with a hash in place of the password.
func hashGuarded(t *testing.T) func(*config.Config) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) {
		c.Streams[0].PushUsers, c.Streams[0].PushFrom = []auth.Secret{auth.Secret("encoder:" + string(hash))}, nil
	}
}

// awaitVerdict turns the loop until somebody is answered: the verdict comes from another goroutine.
func (r *rig) awaitVerdict(e *encoder) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); len(e.got) == 0 && time.Now().Before(end); {
		if r.loop.pending.Load() || len(r.loop.queue) > 0 {
			r.turn()
		} else {
			time.Sleep(time.Millisecond)
		}
	}
}

// The loop does not wait for a comparison, the encoder does, and only the first time.
func TestPushWithHashedPassword(t *testing.T) {
	r := newRig(t, hashGuarded(t), "a")
	e := r.encoder()
	if e.post(setupType, "0", 0, ""); strings.Contains(string(e.got), "Digest") || !strings.Contains(e.status(), "401") {
		t.Errorf("%q, want 401 without Digest", e.got)
	}
	for i, c := range []struct{ password, status string }{{"x", "401"}, {"secret", "204"}, {"y", "401"}} {
		e := r.guess("192.0.2.1", c.password)
		if len(e.got) > 0 {
			t.Errorf("%d: %q, want no answer yet", i, e.got)
		}
		if r.awaitVerdict(e); !strings.Contains(e.status(), c.status) {
			t.Errorf("%d: %q, want %s", i, e.got, c.status)
		}
	}
	if e := r.guess("192.0.2.1", "secret"); !strings.Contains(e.status(), "204") {
		t.Errorf("again: %q, want 204 at once", e.got)
	}
}

// A PushStart without a setup waits too, and what it sends meanwhile is not lost.
func TestStartWithHashedPassword(t *testing.T) {
	r := newRig(t, hashGuarded(t), "a")
	e := r.encoder()
	e.post(startType, "0", endless, "Authorization: "+auth.BasicField("encoder", "secret")+"\r\n")
	e.header(320)
	e.push(3)
	st := r.reg.Streams()[0]
	for end := time.Now().Add(time.Minute); st.Writer() == nil && time.Now().Before(end); {
		r.turn()
		time.Sleep(time.Millisecond)
	}
	if st.Stats().PacketsIn.Load() != 3 {
		t.Errorf("%d packets, %q, want 3", st.Stats().PacketsIn.Load(), e.got)
	}
}

// Guesses count before their comparison is over, or all would be made at once; of those who have hung up too.
func TestHashGuessesAreCountedAtOnce(t *testing.T) {
	r := newRig(t, hashGuarded(t), "a")
	compared := 0
	for i := range 40 {
		e := r.guess("192.0.2.1", fmt.Sprint(i))
		if e.conn.phase == holding && e.conn.deadline == 0 {
			compared++
		}
		e.hangUp()
	}
	if compared > triesFree+1 {
		t.Errorf("%d were compared at once, want %d", compared, triesFree)
	}
	r.pass(mostWait)
	e := r.guess("192.0.2.1", "secret")
	for range int(mostWait / choreInterval) {
		r.pass(choreInterval)
		r.turn()
	}
	if r.awaitVerdict(e); !strings.Contains(e.status(), "204") {
		t.Errorf("right password in its turn: %q, want 204", e.got)
	}
}
