package auth

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSplitChallenges(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field string
		want  []string
	}{
		{"one", `Basic realm="x"`, []string{`Basic realm="x"`}},
		{"two", `Digest realm="a, b", nonce="c", Basic realm="d"`, []string{`Digest realm="a, b", nonce="c"`,
			`Basic realm="d"`}},
		{"schemes alone", "Negotiate, NTLM,Basic realm=x", []string{"Negotiate", "NTLM", "Basic realm=x"}},
		{"comma and quote escaped", `Digest realm="a\", Basic b=", nonce="c"`,
			[]string{`Digest realm="a\", Basic b=", nonce="c"`}},
		{"spaces around equals", `Digest realm = "a" , nonce = "b"`, []string{`Digest realm = "a", nonce = "b"`}},
		{"empty parts", `, ,Basic realm="x",,`, []string{`Basic realm="x"`}},
		{"no closing quote", `Digest realm="a, Basic realm=b`, []string{`Digest realm="a, Basic realm=b`}},
		{"nothing", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := splitChallenges(tt.field); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

const someDigest = `Digest realm="r", nonce="n", qop="auth"`

func TestLoginLearns(t *testing.T) {
	for _, tt := range []struct {
		name      string
		user      string
		challenge []string // the last one is the one asked about
		scheme    string   // "" is an error
		err       error
	}{
		{"basic", "u", []string{`Basic realm="x"`}, "Basic", nil},
		{"digest", "u", []string{someDigest}, "Digest", nil},
		{"digest before basic", "u", []string{`Basic realm="x", ` + someDigest}, "Digest", nil},
		{"scheme in capitals", "u", []string{`BASIC realm="x"`}, "Basic", nil},
		{"digest that we cannot compute, basic behind", "u",
			[]string{`Digest realm="r", nonce="n", algorithm=SHA-512-256, Basic realm="x"`}, "Basic", nil},
		{"two digests, the second is MD5", "u", []string{`Digest realm="r", nonce="n", algorithm=MD5-sess, ` + someDigest +
			`, algorithm=MD5`}, "Digest", nil},
		{"SHA-256", "u", []string{someDigest + ", algorithm=sha-256"}, "Digest", nil},
		{"qop auth among others", "u", []string{`Digest realm="r", nonce="n", qop="auth-int, auth"`}, "Digest", nil},
		{"only auth-int", "u", []string{`Digest realm="r", nonce="n", qop="auth-int"`}, "", nil},
		{"digest without a nonce", "u", []string{`Digest realm="r"`}, "", nil},
		{"NTLM", "u", []string{"NTLM"}, "", nil},
		{"no challenge at all", "u", []string{""}, "", nil},
		{"no credentials", "", []string{`Basic realm="x"`}, "", ErrNoLogin},
		{"basic refused", "u", []string{`Basic realm="x"`, `Basic realm="x"`}, "", ErrWrongLogin},
		{"digest refused", "u", []string{someDigest, someDigest}, "", ErrWrongLogin},
		{"nonce too old", "u", []string{someDigest, "", someDigest + ", stale=true"}, "Digest", nil},
		{"nonce too old at once", "u", []string{someDigest, someDigest + ", stale=true"}, "", ErrWrongLogin},
		{"nonce too old again and again", "u", []string{someDigest, "", someDigest + ", stale=true", someDigest +
			", stale=true"}, "", ErrWrongLogin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := Login{User: tt.user, Password: "p"}
			var err error
			for _, c := range tt.challenge {
				if c != "" || len(tt.challenge) == 1 {
					err = g.Learn(c)
				}
				g.Field("GET", "/")
			}
			if (err == nil) != (tt.scheme != "") || tt.scheme != "" && g.scheme != tt.scheme {
				t.Errorf("scheme %q, %v, want %q", g.scheme, err, tt.scheme)
			}
			if tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
		})
	}
}

// What we send to an upstream is what we accept from an encoder.
func TestLoginProves(t *testing.T) {
	offers := someUsers.Challenge(nil, someAddr, false, someTime)
	newer := offers[0]
	offers = offers[1:]
	for _, tt := range []struct{ name, challenge string }{
		{"basic", offers[1]},
		{"digest", offers[0]},
		{"digest with SHA-256", newer},
		{"digest with SHA-256, without qop", strings.Replace(newer, `, qop="auth"`, "", 1)},
		{"digest without qop", strings.Replace(offers[0], `, qop="auth"`, "", 1)},
		{"digest with opaque", offers[0] + `, opaque="a\"b", algorithm="MD5"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := Login{User: "zweiter", Password: "a:b \"c\\d\""}
			if field := g.Field("GET", "/x"); field != "" {
				t.Errorf("credentials shown to nobody who asked: %q", field)
			}
			if err := g.Learn(tt.challenge); err != nil {
				t.Fatal(err)
			}
			var fields []string
			var spent Nonces
			for range 2 { // Describe and Play
				field := g.Field("GET", "/x?y")
				asks := Proof{[]byte("GET"), []byte("/x"), []byte(field), someAddr}
				if name, _ := someUsers.Check(asks, spent.Spend, someTime.Add(time.Second)); name != "zweiter" {
					t.Errorf("%q is not accepted", field)
				}
				fields = append(fields, field)
			}
			if counted := strings.Contains(fields[0], "nc="); counted && fields[0] == fields[1] {
				t.Errorf("second use of a nonce has the same count: %q", fields[1])
			}
		})
	}
}

// Whatever an upstream asks for, the answer is one line and does not show the password but as Basic.
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{`Basic realm="x"`, someDigest, someDigest + ", stale=true, Basic",
		`Digest realm="\"", nonce="\\", opaque=","`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, challenge string) {
		g := Login{User: "user", Password: "s3cret:pass"}
		if err := g.Learn(challenge); err != nil {
			if g.Field("GET", "/") != "" {
				t.Errorf("%q: %v, and an answer", challenge, err)
			}
			return
		}
		field := g.Field("GET", "/")
		a, err := parseAuthorization(field)
		if err != nil || a.name() != "user" || a.basic != (g.scheme == "Basic") {
			t.Errorf("%q answered by %q: %v", challenge, field, err)
		}
		if strings.Contains(field, "s3cret") {
			t.Errorf("%q answered by %q, which shows the password", challenge, field)
		}
	})
}
