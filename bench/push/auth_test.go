package push

import (
	"strings"
	"testing"
)

// The examples of RFC 2617 3.5 and of RFC 2069 2.4 with the response its errata give.
func TestDigest(t *testing.T) {
	for _, c := range []struct {
		name, challenge, user, password, method, uri, cnonce, want string
	}{
		{"qop", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ` +
			`opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
		{"no qop", `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ` +
			`opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "CircleOfLife", "GET", "/dir/index.html", "", "1949323746fe6a43ef61f9606e7febea"},
	} {
		got, err := parseChallenge(c.challenge).digest(c.user, c.password, c.method, c.uri, c.cnonce)
		if err != nil || !strings.Contains(got, `response="`+c.want+`"`) {
			t.Errorf("%s: got %s, %v, want response %s", c.name, got, err, c.want)
		}
		if c.cnonce != "" && !strings.Contains(got, "qop=auth, nc=00000001, cnonce=") {
			t.Errorf("%s: no qop in %s", c.name, got)
		}
	}
}

func TestAuthorizeChooses(t *testing.T) {
	for _, c := range []struct {
		challenges []string
		want       string // how the answer begins; "": an error
	}{
		{
			[]string{"NTLM", `Basic realm="x"`, `Digest realm="x", nonce="y"`},
			`Digest username="u", realm="x", nonce="y", uri="/p"`,
		},
		{[]string{"Negotiate", `Basic realm="x"`}, "Basic dTpw"},
		{[]string{"NTLM"}, ""},
		{nil, ""},
		{[]string{`Digest realm="x", nonce="y", algorithm=SHA-256`}, ""},
	} {
		got, err := authorize(c.challenges, "u", "p", "POST", "/p")
		if (err == nil) != (c.want != "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%q: got %q, %v, want %q", c.challenges, got, err, c.want)
		}
	}
}

func TestParseChallenge(t *testing.T) {
	c := parseChallenge(` DIGEST Realm="a, b=c" ,nonce = "n" ,stale=FALSE, qop="auth", broken`)
	for name, want := range map[string]string{"realm": "a, b=c", "stale": "FALSE", "qop": "auth"} {
		if got := c.params[name]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if c.scheme != "digest" {
		t.Errorf("scheme %q", c.scheme)
	}
}
