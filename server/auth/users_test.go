package auth

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/codec"
)

var (
	someAddr  = netip.MustParseAddr("192.0.2.1")
	someTime  = time.Unix(1_700_000_000, 0)
	someUsers = mustUsers("encoder:secret", "zweiter:a:b \"c\\d\"")
)

func mustUsers(entries ...Secret) Users {
	u, err := ParseUsers(entries)
	if err != nil {
		panic(err)
	}
	return u
}

func TestNewUsersRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		entry Secret
	}{
		{"no colon", "encoder"},
		{"no name", ":secret"},
		{"no password", "encoder:"},
		{"name twice", "first:x"},
		{"line break", "encoder:sec\nret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseUsers([]Secret{"first:secret", tt.entry})
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
	const newer, digest, basic = "Digest SHA-256", "Digest", "Basic"
	for _, tt := range []struct {
		name, accept string
		want         []string
	}{
		{"nothing listed", "", []string{newer, digest, basic}},
		{"Windows Media Encoder 9", "NTLM, Digest", []string{digest, basic}},
		{"newer", "Negotiate, NTLM, Digest", []string{digest, basic}},
		{"Windows Media Player", "Negotiate, NTLM, Digest, Basic", []string{digest, basic}},
		{"only Basic", "Basic", []string{basic, digest}},
		{"case and spaces", "NTLM ,basic", []string{basic, digest}},
		{"nothing that we have", "Negotiate, NTLM", []string{digest, basic}},
		{"no words", "Digestive,Basically", []string{digest, basic}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			offers := someUsers.Challenge([]byte(tt.accept), someAddr, false, someTime)
			var got []string
			for _, o := range offers {
				scheme, _, _ := strings.Cut(o, " realm=")
				if strings.Contains(o, "algorithm=SHA-256") {
					scheme += " SHA-256"
				}
				got = append(got, scheme)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", offers, tt.want)
			}
		})
	}
}

// Programs that take the parameters of two challenges for those of one find the same in both.
func TestChallengesShareTheirNonce(t *testing.T) {
	offers := someUsers.Challenge(nil, someAddr, true, someTime)
	if got := strings.Replace(offers[0], ", algorithm=SHA-256", "", 1); got != offers[1] {
		t.Errorf("%q and %q", offers[0], offers[1])
	}
}

// Each 401 has a nonce that is good now.
func TestChallengeNonce(t *testing.T) {
	for _, isStale := range []bool{false, true} {
		offer := someUsers.Challenge(nil, someAddr, isStale, someTime)[0]
		d, err := parseDigest(strings.TrimPrefix(offer, "Digest "))
		if err != nil || !validNonce(d.nonce, someAddr, someTime) || d.qop != "auth" || (d.stale == "true") != isStale {
			t.Errorf("challenge %q: %v, want a valid nonce, qop auth, stale %v", offer, err, isStale)
		}
	}
}

// proof builds what a client sends in answer to our challenge.
func digestProof(user, password, method string, d digest) string {
	d.username, d.realm = user, realm
	if d.nonce == "" {
		d.nonce = newNonce(someAddr, someTime)
	}
	d.response = d.sum(hashUser(d.sums(), user, realm, password), method)
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

var withSHA256 = digest{uri: "/pub", qop: "auth", nc: "00000001", cnonce: "0a4f113b", algorithm: "SHA-256"}

func basicProof(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

var withQop = digest{uri: "/pub", qop: "auth", nc: "00000001", cnonce: "0a4f113b"}

var goodAuthorizations = []struct{ name, user, field string }{
	{"basic", "encoder", basicProof("encoder:secret")},
	{"basic, scheme in capitals, spaces", "encoder", "  BASIC   " +
		base64.StdEncoding.EncodeToString([]byte("encoder:secret")) + " "},
	{"basic, colon in password", "zweiter", basicProof("zweiter:a:b \"c\\d\"")},
	{"digest without qop", "encoder", digestProof("encoder", "secret", "POST", digest{uri: "/pub"})},
	{"digest with qop", "encoder", digestProof("encoder", "secret", "POST", withQop)},
	{"digest with opaque that we never gave", "encoder", digestProof("encoder", "secret", "POST",
		digest{uri: "/pub", opaque: "x"})},
	{"digest, quoted password", "zweiter", digestProof("zweiter", "a:b \"c\\d\"", "POST", withQop)},
	{"digest, the newer algorithm", "encoder", digestProof("encoder", "secret", "POST", withSHA256) +
		`, algorithm=SHA-256`},
	{"digest, algorithm and an unknown parameter", "encoder", digestProof("encoder", "secret", "POST", withQop) +
		`, algorithm=MD5, charset="UTF-8"`},
	{"digest, qop and nc quoted", "encoder", quoteTokens(digestProof("encoder", "secret", "POST", withQop))},
	{"digest, upper case sum", "encoder", upperResponse(digestProof("encoder", "secret", "POST", withQop))},
	{"digest, absolute uri", "encoder", digestProof("encoder", "secret", "POST", digest{uri: "http://pump:8086/pub"})},
	{"digest, double slash", "encoder", digestProof("encoder", "secret", "POST", digest{uri: "//pub"})},
	{"digest, no spaces", "encoder", "digest " + strings.ReplaceAll(strings.TrimPrefix(digestProof("encoder", "secret",
		"POST", withQop), "Digest "), ", ", ",")},
}

func quoteTokens(s string) string {
	return strings.NewReplacer("qop=auth", `qop="auth"`, "nc=00000001", `nc="00000001"`).Replace(s)
}

func upperResponse(s string) string {
	i := strings.Index(s, `response="`) + len(`response="`)
	return s[:i] + strings.ToUpper(s[i:i+32]) + s[i+32:]
}

var badAuthorizations = []struct {
	name, field string
	stale       bool // the password is right
}{
	{"empty", "", false},
	{"only a scheme", "Basic", false},
	{"NTLM", "NTLM TlRMTVNTUAABAAAA", false},
	{"basic, wrong password", basicProof("encoder:Secret"), false},
	{"basic, unknown user", basicProof("nobody:secret"), false},
	{"basic, no colon", basicProof("encoder"), false},
	{"basic, empty user with the dummy hash", basicProof(":"), false},
	{"basic, not base64", "Basic encoder:secret", false},
	{"basic, another user's password", basicProof("zweiter:secret"), false},
	{"basic, the stored hash as password", basicProof("encoder:" + someUsers["encoder"].sha256), false},
	{"digest, wrong password", digestProof("encoder", "Secret", "POST", withQop), false},
	{"digest, unknown user", digestProof("nobody", "secret", "POST", withQop), false},
	{"digest, nobody with the dummy hash", digestProof("", "", "POST", withQop), false},
	{"digest, for another method", digestProof("encoder", "secret", "GET", withQop), false},
	{"digest, for another path", digestProof("encoder", "secret", "POST", digest{uri: "/other"}), false},
	{"digest, for a path that only ends like it", digestProof("encoder", "secret", "POST",
		digest{uri: "/other?x=://host/pub"}), false},
	{"digest, nonce of another process", digestProof("encoder", "secret", "POST",
		digest{uri: "/pub", nonce: strings.Repeat("0", 48)}), true},
	{"digest, old nonce", digestProof("encoder", "secret", "POST", digest{uri: "/pub", nonce: newNonce(someAddr,
		someTime.Add(-nonceLife))}), true},
	{"digest, nonce for another address", digestProof("encoder", "secret", "POST",
		digest{uri: "/pub", nonce: newNonce(netip.MustParseAddr("192.0.2.2"), someTime)}), true},
	{"digest, other realm", strings.Replace(digestProof("encoder", "secret", "POST", withQop), `realm="pumpd"`,
		`realm="other"`, 1), false},
	{"digest, nc that is no number", digestProof("encoder", "secret", "POST", digest{uri: "/pub", qop: "auth",
		nc: "0000000x", cnonce: "x"}), false},
	{"digest, nc too long", digestProof("encoder", "secret", "POST", digest{uri: "/pub", qop: "auth", nc: "000000001",
		cnonce: "x"}), false},
	{"digest, nc too short", digestProof("encoder", "secret", "POST", digest{uri: "/pub", qop: "auth", nc: "1",
		cnonce: "x"}), false},
	{"digest, qop removed", strings.Replace(digestProof("encoder", "secret", "POST", withQop), "qop=auth, ", "", 1),
		false},
	{"digest, qop of which we know nothing", strings.Replace(digestProof("encoder", "secret", "POST", withQop),
		"qop=auth,", "qop=auth-int,", 1), false},
	{"digest, algorithm that we did not offer", digestProof("encoder", "secret", "POST", withQop) + ", algorithm=MD5-sess",
		false},
	{"digest, sums of one algorithm for the other", digestProof("encoder", "secret", "POST", withSHA256), false},
	{"digest, sums of MD5 for the newer", digestProof("encoder", "secret", "POST", withQop) + ", algorithm=SHA-256",
		false},
	{"digest, parameter twice", digestProof("encoder", "secret", "POST", withQop) + `, username="zweiter"`, false},
	{"digest, no closing quote", `Digest username="encoder`, false},
	{"digest, backslash at the end", `Digest username="encoder\`, false},
	{"digest, junk after a quoted string", strings.Replace(digestProof("encoder", "secret", "POST", withQop),
		`realm="pumpd"`, `realm="pumpd"x`, 1), false},
	{"digest, name without a value", digestProof("encoder", "secret", "POST", withQop) + ", nonsense", false},
	{"digest, no name", "Digest =encoder", false},
	{"digest, response too short", `Digest username="encoder", realm="pumpd", nonce="x", uri="/pub", response=""`, false},
	{"digest, empty", "Digest ", false},
}

// checkOf is what users say of a field of a POST to /pub from someAddr, with nothing spent yet.
func checkOf(u Users, field string) (string, Verdict) {
	return u.Check(Proof{[]byte("POST"), []byte("/pub"), []byte(field), someAddr}, new(Nonces).Spend, someTime)
}

func TestCheckAccepts(t *testing.T) {
	for _, tt := range goodAuthorizations {
		t.Run(tt.name, func(t *testing.T) {
			if name, v := checkOf(someUsers, tt.field); name != tt.user || v != Right {
				t.Errorf("check %q: %q, %d, want %q, right", tt.field, name, v, tt.user)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range badAuthorizations {
		t.Run(tt.name, func(t *testing.T) {
			want := Wrong
			if tt.stale {
				want = Stale
			}
			if name, v := checkOf(someUsers, tt.field); v != want || name != "" {
				t.Errorf("check %q: %q, %d, want \"\", %d", tt.field, name, v, want)
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
			if _, v := checkOf(someUsers, whole[:n]); v == Right {
				t.Errorf("%s cut to %d of %d bytes is accepted: %q", tt.name, n, len(whole), whole[:n])
			}
		}
	}
}

func TestUsersWithoutEntries(t *testing.T) {
	if _, v := checkOf(mustUsers(), basicProof("encoder:secret")); v != Wrong {
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
		name, v := checkOf(someUsers, field)
		ok := v == Right
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
		{"", "/pub", false},
		{"pub", "/pub", false},
		{"/pub", "/pub?x=://host/other", true},
		{"/other?x=://host/pub", "/pub", false},
		{"/pub?x=://host/other", "/other", false},
		{"/other://host/pub", "/pub", false},
		{"http://host/other?http://host/pub", "/pub", false},
		{"http://host/pub://host/other", "/other", false},
		{"http://user@host?x/pub", "/pub", false},
		{"*", "/pub", false},
		{"mailto:x", "/pub", false},
	} {
		if got := samePath(tt.a, codec.PathOf([]byte(tt.b))); got != tt.want {
			t.Errorf("samePath(%q, %q) = %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}
