package server

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	authNow   = time.Unix(1_700_000_000, 0)
	authUsers = mustUsers("encoder:secret", "zweiter:a:b \"c\\d\"")
)

func mustUsers(entries ...string) users {
	u, err := newUsers(entries)
	if err != nil {
		panic(err)
	}
	return u
}

func TestNewUsersRefuses(t *testing.T) {
	for _, tt := range []struct{ name, entry string }{
		{"no colon", "encoder"},
		{"no name", ":secret"},
		{"no password", "encoder:"},
		{"name twice", "first:x"},
		{"line break", "encoder:sec\nret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newUsers([]string{"first:secret", tt.entry})
			if err == nil || !strings.Contains(err.Error(), "entry 2") {
				t.Fatalf("error %v, want one that names entry 2", err)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "encoder:") {
				t.Errorf("error shows the entry: %v", err)
			}
		})
	}
}

func TestChallenge(t *testing.T) {
	for _, tt := range []struct{ name, accept, first string }{
		{"nothing listed", "", "Digest"},
		{"Windows Media Encoder 9", "NTLM, Digest", "Digest"},
		{"newer", "Negotiate, NTLM, Digest", "Digest"},
		{"Windows Media Player", "Negotiate, NTLM, Digest, Basic", "Digest"},
		{"only Basic", "Basic", "Basic"},
		{"case and spaces", "NTLM ,basic", "Basic"},
		{"nothing that we have", "Negotiate, NTLM", "Digest"},
		{"no words", "Digestive,Basically", "Digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := authUsers.challenge([]byte(tt.accept))
			if len(got) != 2 || !strings.HasPrefix(got[0], tt.first+" realm=") {
				t.Errorf("got %q, want both schemes, %s first", got, tt.first)
			}
		})
	}
}

// Each 401 has a nonce that is good now.
func TestChallengeNonce(t *testing.T) {
	offer := challengeAt(nil, authNow)[0]
	d, err := parseDigest(strings.TrimPrefix(offer, "Digest "))
	if err != nil || !validNonce(d.nonce, authNow) || d.qop != "auth" {
		t.Errorf("challenge %q: %v, want a valid nonce and qop auth", offer, err)
	}
}

// proof builds what a client sends in answer to our challenge.
func proof(user, password, method string, d digest) string {
	d.username, d.realm = user, realm
	if d.nonce == "" {
		d.nonce = newNonce(authNow)
	}
	d.response = d.sum(hashUser(user, realm, password), method)
	s := fmt.Sprintf(`Digest username=%s, realm=%s, nonce="%s", uri="%s", response="%s"`,
		quote(user), quote(realm), d.nonce, d.uri, d.response)
	if d.qop != "" {
		s += fmt.Sprintf(`, qop=%s, nc=%s, cnonce=%s`, d.qop, d.nc, quote(d.cnonce))
	}
	if d.opaque != "" {
		s += fmt.Sprintf(", opaque=%s", quote(d.opaque))
	}
	return s
}

func basicProof(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

var withQop = digest{uri: "/pub", qop: "auth", nc: "00000001", cnonce: "0a4f113b"}

var goodAuthorizations = []struct{ name, user, field string }{
	{"basic", "encoder", basicProof("encoder:secret")},
	{"basic, scheme in capitals, spaces", "encoder", "  BASIC   " + base64.StdEncoding.EncodeToString([]byte("encoder:secret")) + " "},
	{"basic, colon in password", "zweiter", basicProof("zweiter:a:b \"c\\d\"")},
	{"digest without qop", "encoder", proof("encoder", "secret", "POST", digest{uri: "/pub"})},
	{"digest with qop", "encoder", proof("encoder", "secret", "POST", withQop)},
	{"digest with opaque that we never gave", "encoder", proof("encoder", "secret", "POST", digest{uri: "/pub", opaque: "x"})},
	{"digest, quoted password", "zweiter", proof("zweiter", "a:b \"c\\d\"", "POST", withQop)},
	{"digest, algorithm and an unknown parameter", "encoder", proof("encoder", "secret", "POST", withQop) + `, algorithm=MD5, charset="UTF-8"`},
	{"digest, qop and nc quoted", "encoder", quoteTokens(proof("encoder", "secret", "POST", withQop))},
	{"digest, upper case sum", "encoder", upperResponse(proof("encoder", "secret", "POST", withQop))},
	{"digest, absolute uri", "encoder", proof("encoder", "secret", "POST", digest{uri: "http://pump:8086/pub"})},
	{"digest, double slash", "encoder", proof("encoder", "secret", "POST", digest{uri: "//pub"})},
	{"digest, no spaces", "encoder", "digest " + strings.ReplaceAll(strings.TrimPrefix(proof("encoder", "secret", "POST", withQop), "Digest "), ", ", ",")},
}

func quoteTokens(s string) string {
	return strings.NewReplacer("qop=auth", `qop="auth"`, "nc=00000001", `nc="00000001"`).Replace(s)
}

func upperResponse(s string) string {
	i := strings.Index(s, `response="`) + len(`response="`)
	return s[:i] + strings.ToUpper(s[i:i+32]) + s[i+32:]
}

var badAuthorizations = []struct{ name, field string }{
	{"empty", ""},
	{"only a scheme", "Basic"},
	{"NTLM", "NTLM TlRMTVNTUAABAAAA"},
	{"basic, wrong password", basicProof("encoder:Secret")},
	{"basic, unknown user", basicProof("nobody:secret")},
	{"basic, no colon", basicProof("encoder")},
	{"basic, empty user with the dummy hash", basicProof(":")},
	{"basic, not base64", "Basic encoder:secret"},
	{"basic, another user's password", basicProof("zweiter:secret")},
	{"basic, the stored hash as password", basicProof("encoder:" + authUsers["encoder"])},
	{"digest, wrong password", proof("encoder", "Secret", "POST", withQop)},
	{"digest, unknown user", proof("nobody", "secret", "POST", withQop)},
	{"digest, nobody with the dummy hash", proof("", "", "POST", withQop)},
	{"digest, for another method", proof("encoder", "secret", "GET", withQop)},
	{"digest, for another path", proof("encoder", "secret", "POST", digest{uri: "/other"})},
	{"digest, nonce of another process", proof("encoder", "secret", "POST", digest{uri: "/pub", nonce: strings.Repeat("0", 48)})},
	{"digest, old nonce", proof("encoder", "secret", "POST", digest{uri: "/pub", nonce: newNonce(authNow.Add(-nonceLife))})},
	{"digest, other realm", strings.Replace(proof("encoder", "secret", "POST", withQop), `realm="pumpd"`, `realm="other"`, 1)},
	{"digest, qop removed", strings.Replace(proof("encoder", "secret", "POST", withQop), "qop=auth, ", "", 1)},
	{"digest, qop of which we know nothing", strings.Replace(proof("encoder", "secret", "POST", withQop), "qop=auth,", "qop=auth-int,", 1)},
	{"digest, algorithm that we did not offer", proof("encoder", "secret", "POST", withQop) + ", algorithm=MD5-sess"},
	{"digest, parameter twice", proof("encoder", "secret", "POST", withQop) + `, username="zweiter"`},
	{"digest, no closing quote", `Digest username="encoder`},
	{"digest, backslash at the end", `Digest username="encoder\`},
	{"digest, junk after a quoted string", strings.Replace(proof("encoder", "secret", "POST", withQop), `realm="pumpd"`, `realm="pumpd"x`, 1)},
	{"digest, name without a value", proof("encoder", "secret", "POST", withQop) + ", nonsense"},
	{"digest, no name", "Digest =encoder"},
	{"digest, response too short", `Digest username="encoder", realm="pumpd", nonce="x", uri="/pub", response=""`},
	{"digest, empty", "Digest "},
}

func TestCheckAccepts(t *testing.T) {
	for _, tt := range goodAuthorizations {
		t.Run(tt.name, func(t *testing.T) {
			name, ok := authUsers.check("POST", []byte("/pub"), []byte(tt.field), authNow)
			if name != tt.user || !ok {
				t.Errorf("check %q: %q, %t, want %q, true", tt.field, name, ok, tt.user)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range badAuthorizations {
		t.Run(tt.name, func(t *testing.T) {
			if name, ok := authUsers.check("POST", []byte("/pub"), []byte(tt.field), authNow); ok || name != "" {
				t.Errorf("check %q: %q, %t, want \"\", false", tt.field, name, ok)
			}
		})
	}
}

// A field that was cut anywhere proves nothing.
func TestCheckRefusesCut(t *testing.T) {
	for _, tt := range goodAuthorizations {
		whole := strings.TrimSpace(tt.field)
		end := len(whole)
		if i := strings.Index(whole, ", opaque="); i > 0 { // what follows does not matter
			end = i
		} else if i := strings.Index(whole, ", algorithm="); i > 0 {
			end = i
		}
		for n := range end {
			if _, ok := authUsers.check("POST", []byte("/pub"), []byte(whole[:n]), authNow); ok {
				t.Errorf("%s cut to %d of %d bytes is accepted: %q", tt.name, n, len(whole), whole[:n])
			}
		}
	}
}

func TestUsersWithoutEntries(t *testing.T) {
	if _, ok := mustUsers().check("POST", []byte("/pub"), []byte(basicProof("encoder:secret")), authNow); ok {
		t.Error("nobody may push, and somebody did")
	}
}

func FuzzAuthorization(f *testing.F) {
	for _, tt := range goodAuthorizations {
		f.Add(tt.field)
	}
	for _, tt := range badAuthorizations {
		f.Add(tt.field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		a, err := parseAuthorization(field)
		if err == nil && a.name() == "" {
			t.Errorf("%q parsed to nobody", field)
		}
		name, ok := authUsers.check("POST", []byte("/pub"), []byte(field), authNow)
		if ok != slices.Contains([]string{"encoder", "zweiter"}, name) {
			t.Errorf("check %q: %q, %t", field, name, ok)
		}
		if ok && err != nil {
			t.Errorf("check accepts %q, which does not parse: %v", field, err)
		}
	})
}

func TestSamePath(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"/pub", "/pub", true},
		{"/pub", "//pub", true},
		{"/pub", "http://host:80/pub", true},
		{"/pub", "http://host/pub?x=/y", true},
		{"/", "http://host", true},
		{"/pub", "/pub/x", false},
		{"/pub", "/Pub", false},
		{"/pub", "", false},
	} {
		if got := samePath(tt.a, tt.b); got != tt.want {
			t.Errorf("samePath(%q, %q) = %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}
