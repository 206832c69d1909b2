package auth

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"pumpd/server/clock"
)

// hashOf is what htpasswd -B makes, as fast as it can be.
func hashOf(t testing.TB, password string) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(b), "$2a$", "$2y$", 1)
}

// hashed are users of whom encoder's password is known as a hash only.
func hashed(t testing.TB) Users {
	return mustUsers(Secret("encoder:"+hashOf(t, "secret")), "plain:word")
}

func proofOf(field string) Proof {
	return Proof{[]byte("POST"), []byte("/pub"), []byte(field), someAddr}
}

// asked is what Verify comes to.
func asked(t *testing.T, v *Verifier, u Users, field string) Verdict {
	t.Helper()
	came := make(chan Verdict, 1)
	now, ok := v.Verify(u, proofOf(field), func(v Verdict) { came <- v })
	if !ok {
		t.Fatal("too many wait")
	}
	if now != Unknown {
		return now
	}
	return <-came
}

func TestHashedPassword(t *testing.T) {
	u := hashed(t)
	var at atomic.Int64
	v := NewVerifier(clock.Clock{Now: func() clock.Instant { return clock.Instant(at.Load()) }})
	for _, tt := range []struct {
		name, field string
		check, ask  Verdict
	}{
		{"right", basicProof("encoder:secret"), Unknown, Right},
		{"wrong", basicProof("encoder:Secret"), Unknown, Wrong},
		{"the hash as password", basicProof("encoder:" + string(u["encoder"].hash)), Unknown, Wrong},
		{"unknown user", basicProof("other:secret"), Unknown, Wrong},
		{"plain password of another", basicProof("plain:word"), Right, Wrong},
		{"wrong one of another", basicProof("plain:secret"), Unknown, Wrong},
		{"digest", digestProof("encoder", "secret", "POST", withQop), Wrong, Wrong},
		{"digest of a user without H(A1)", digestOfHA1("encoder", ""), Wrong, Wrong},
		{"nobody", digestProof(nobody, "", "POST", withQop), Wrong, Wrong},
		{"garbage", "Basic !", Wrong, Wrong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := checkOf(u, tt.field); got != tt.check {
				t.Errorf("check: %d, want %d", got, tt.check)
			}
			if got := asked(t, v, u, tt.field); got != tt.ask {
				t.Errorf("verify: %d, want %d", got, tt.ask)
			}
		})
	}
}

// digestOfHA1 is what somebody sends who has learned, or guessed, the sum that stands for a password.
func digestOfHA1(user, ha1 string) string {
	d := withQop
	d.nonce = newNonce(someAddr, someTime)
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="/pub", response="%s", qop=auth, nc=%s, cnonce=%s`,
		user, realm, d.nonce, d.sum(ha1, "POST"), d.nc, d.cnonce)
}

// Where there is a hash, Digest could not be checked and is not offered.
func TestHashedPasswordsChallenge(t *testing.T) {
	for _, accept := range []string{"", "NTLM, Digest"} {
		if got := hashed(t).Challenge([]byte(accept), someAddr, false, someTime); len(got) != 1 ||
			!strings.HasPrefix(got[0], "Basic ") {
			t.Errorf("%q: got %q, want Basic alone", accept, got)
		}
	}
}

// What was right is right at once, for a while, and only with that very hash; what was wrong is compared each time.
func TestVerifierRemembers(t *testing.T) {
	u, other := hashed(t), hashed(t)
	var at atomic.Int64
	v := NewVerifier(clock.Clock{Now: func() clock.Instant { return clock.Instant(at.Load()) }})
	right, wrong := basicProof("encoder:secret"), basicProof("encoder:x")
	now := func(u Users, field string) Verdict {
		t.Helper()
		came := make(chan Verdict, 1)
		got, ok := v.Verify(u, proofOf(field), func(v Verdict) { came <- v })
		if got == Unknown && ok {
			<-came
		}
		return got
	}
	for i, c := range []struct {
		u     Users
		field string
		want  Verdict
	}{
		{u, right, Unknown}, {u, right, Right}, {u, wrong, Unknown}, {u, wrong, Unknown}, {other, right, Unknown},
	} {
		if got := now(c.u, c.field); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
	at.Add(int64(rememberFor))
	if got := now(u, right); got != Unknown {
		t.Errorf("after %v: %d, want a comparison", rememberFor, got)
	}
	for i := range 3 * maxRight {
		v.ended([32]byte{byte(i), byte(i >> 8)}, 0, true)
	}
	if n := len(v.young) + len(v.old); n > 2*maxRight {
		t.Errorf("%d are remembered, limit %d", n, 2*maxRight)
	}
}

// A crowd is told so at once, and there is room again when it has been served.
func TestVerifierIsBounded(t *testing.T) {
	u := hashed(t)
	v := NewVerifier(clock.New())
	for range cap(v.cpus) {
		v.cpus <- struct{}{}
	}
	came := make(chan Verdict, maxCompares)
	for i := range maxCompares {
		if _, ok := v.Verify(u, proofOf(basicProof(fmt.Sprint("encoder:", i))), func(v Verdict) { came <- v }); !ok {
			t.Fatalf("%d are too many", i+1)
		}
	}
	if _, ok := v.Verify(u, proofOf(basicProof("encoder:secret")), nil); ok {
		t.Errorf("%d are not too many", maxCompares+1)
	}
	for range cap(v.cpus) {
		<-v.cpus
	}
	for range maxCompares {
		if got := <-came; got != Wrong {
			t.Errorf("%d, want wrong", got)
		}
	}
	if got := asked(t, v, u, basicProof("encoder:secret")); got != Right {
		t.Errorf("afterwards: %d, want right", got)
	}
}

func TestCheckHash(t *testing.T) {
	good := hashOf(t, "x")
	for _, tt := range []struct {
		password string
		ok       bool
	}{
		{"secret", true},
		{"$1$not$ours", true},
		{good, true},
		{strings.Replace(good, "$2y$", "$2b$", 1), true},
		{good[:len(good)-1], false},
		{good + "x", false},
		{good[:len(good)-1] + "!", false},
		{"$2y$", false},
		{strings.Replace(good, "$04$", "$15$", 1), false},
		{strings.Replace(good, "$04$", "$03$", 1), false},
		{strings.Replace(good, "$04$", "$xx$", 1), false},
	} {
		err := CheckHash(tt.password)
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v, want it to be good: %v", tt.password, err, tt.ok)
		}
		if err != nil && strings.Contains(err.Error(), good[7:20]) {
			t.Errorf("%v shows the hash", err)
		}
	}
	if _, err := ParseUsers([]Secret{"a:$2y$xx"}); err == nil {
		t.Error("a user with half a hash is accepted")
	}
}

// Who asks for a name that is not there waits as long as for one that is.
func TestNobodyIsAsSlow(t *testing.T) {
	slow, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost+1)
	if err != nil {
		t.Fatal(err)
	}
	u := mustUsers(Secret("a:"+hashOf(t, "x")), Secret("b:"+string(slow)), "c:x")
	if cost, _ := bcrypt.Cost(u[nobody].hash); cost != bcrypt.MinCost+1 {
		t.Errorf("cost %d, want that of the slowest", cost)
	}
}
