package access

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"pumpd/server/auth"
	"pumpd/server/config"
)

const (
	testKey  = "0123456789abcdef"
	oldKey   = "fedcba9876543210"
	anyTime  = 1795770000
	someone  = "192.0.2.7"
	someoneV = "2001:db8::7"
)

func keyed(t testing.TB, keys ...auth.Secret) *Policy {
	t.Helper()
	p, err := New(&config.Stream{Path: "Demo", ViewKeys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signedQuery is the query of a URL that is signed by p, and its signature.
func signedQuery(t testing.TB, p *Policy, g Grant) (query, sum string) {
	t.Helper()
	text, err := p.Sign(&url.URL{Path: "/streams/demo"}, g)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ = strings.Cut(text, "?")
	_, sum, _ = strings.Cut(query, "&s=")
	return query, sum
}

// The example of docs/access.md, which other programs are to agree with: openssl made it.
func TestSignatureOfTheManual(t *testing.T) {
	p := keyed(t, "not a good key")
	const want = "mmsh://pump.example:8086/streams/demo?e=1795770000&s=iw58QLD_r6jBer-9tKIO_uU2XTL4yZKrTV3EIG8KiIk"
	u, err := url.Parse("mmsh://pump.example:8086/streams/demo")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Sign(u, Grant{Expires: anyTime}); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestSign(t *testing.T) {
	p := keyed(t, testKey)
	for _, c := range []struct {
		url  string
		g    Grant
		want string // up to the signature, or the error
	}{
		{"mmsh://h:8086/streams/demo", Grant{Expires: anyTime}, "mmsh://h:8086/streams/demo?e=1795770000&s="},
		{"http://h/streams/DEMO/#t=1", Grant{Expires: anyTime, From: someone, Viewer: "ann"},
			"http://h/streams/DEMO/?e=1795770000&ip=192.0.2.7&id=ann&s="},
		{"http://h/streams/demo?a=b&e=1&s=x&c", Grant{Expires: anyTime, From: "2001:db8::/32"},
			"http://h/streams/demo?a=b&c&e=1795770000&ip=2001:db8::/32&s="},
		{"http://h/streams/demo", Grant{From: "h"}, "address"},
		{"http://h/streams/demo", Grant{Viewer: "a&b"}, "viewer"},
		{"http://h/streams/demo", Grant{Viewer: strings.Repeat("a", 65)}, "viewer"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Sign(u, c.g)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %+v: got %s, want %s…", c.url, c.g, got, c.want)
		}
	}
	if _, err := keyed(t).signTest(); err == nil {
		t.Error("signed without a key")
	}
}

func (p *Policy) signTest() (string, error) {
	if p == nil {
		p = &Policy{}
	}
	return p.Sign(&url.URL{}, Grant{})
}

// Queries as players send them, and as those who have no right to would.
func TestVerify(t *testing.T) {
	p := keyed(t, testKey, oldKey)
	plain, sum := signedQuery(t, p, Grant{Expires: anyTime})
	old, _ := signedQuery(t, keyed(t, oldKey), Grant{Expires: anyTime})
	foreign, _ := signedQuery(t, keyed(t, "another"), Grant{Expires: anyTime})
	bound, boundSum := signedQuery(t, p, Grant{Expires: anyTime, From: someone, Viewer: "ann@x"})
	net, _ := signedQuery(t, p, Grant{Expires: anyTime, From: "2001:db8::/64"})
	raw, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(&config.Stream{Path: "other", ViewKeys: []auth.Secret{testKey}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, _ := signedQuery(t, other, Grant{Expires: anyTime})
	flipped := []byte(sum)
	flipped[0] ^= 1
	escaped := "%" + hex.EncodeToString([]byte(sum[:1]))
	for _, c := range []struct {
		name, query, from string
		now               int64
		want              Signature
		viewer            string
	}{
		{"as signed", plain, someone, anyTime - 1, SignatureRight, ""},
		{"in hex", "e=1795770000&s=" + hex.EncodeToString(raw), someone, 0, SignatureRight, ""},
		{"in upper hex", "e=1795770000&s=" + strings.ToUpper(hex.EncodeToString(raw)), someone, 0, SignatureRight, ""},
		{"padded", plain + "=", someone, 0, SignatureRight, ""},
		{"other order", "s=" + sum + "&e=1795770000", someone, 0, SignatureRight, ""},
		{"WMP", plain + "&MSWMExt=.asf", someone, 0, SignatureRight, ""},
		{"WMP with a second question mark", plain + "?MSWMExt=.asf", someone, 0, SignatureRight, ""},
		{"WMP in front", "MSWMExt=.asf&" + plain, someone, 0, SignatureRight, ""},
		{"fragment", plain + "#t=10", someone, 0, SignatureRight, ""},
		{"MPlayer's fragment", plain + "%23t=10", someone, 0, SignatureRight, ""},
		{"escaped", "e=%31795770000&s=" + strings.ReplaceAll(sum, sum[:1], escaped), someone, 0, SignatureRight, ""},
		{"old key", old, someone, 0, SignatureRight, ""},
		{"bound", bound, someone, 0, SignatureRight, "ann@x"},
		{"bound, escaped", strings.ReplaceAll(bound, "@", "%40"), someone, 0, SignatureRight, "ann@x"},
		{"network", net, someoneV, 0, SignatureRight, ""},
		{"network, escaped", strings.ReplaceAll(net, ":", "%3a"), someoneV + "%eth0", 0, SignatureRight, ""},

		{"none", "", someone, 0, SignatureNone, ""},
		{"of something else", "MSWMExt=.asf&id=7&ip=x", someone, 0, SignatureNone, ""},
		{"at its end", plain, someone, anyTime, SignatureExpired, ""},
		{"longer", strings.Replace(plain, "e=1", "e=2", 1), someone, 0, SignatureWrong, ""},
		{"key of another", foreign, someone, 0, SignatureWrong, ""},
		{"stream of another", elsewhere, someone, 0, SignatureWrong, ""},
		{"one bit", "e=1795770000&s=" + string(flipped), someone, 0, SignatureWrong, ""},
		{"nothing signed", "e=1795770000&s=" + strings.Repeat("A", 43), someone, 0, SignatureWrong, ""},
		{"elsewhere", bound, "192.0.2.8", 0, SignatureElsewhere, ""},
		{"expired elsewhere", bound, "192.0.2.8", anyTime, SignatureExpired, ""},
		{"other network", net, "2001:db8:0:1::7", 0, SignatureElsewhere, ""},
		{"address added", "e=1795770000&ip=192.0.2.8&s=" + sum, "192.0.2.8", 0, SignatureWrong, ""},
		{"address taken off", "e=1795770000&id=ann@x&s=" + boundSum, "192.0.2.8", 0, SignatureWrong, ""},
		{"another viewer", strings.Replace(bound, "ann", "bob", 1), someone, 0, SignatureWrong, ""},
		{"address hidden in the viewer", "e=1795770000&id=x%26ip=192.0.2.7&s=" + sum, someone, 0, SignatureMalformed, ""},
		{"twice", plain + "&" + plain, someone, 0, SignatureMalformed, ""},
		{"two ends", plain + "&e=1795779999", someone, 0, SignatureMalformed, ""},
		{"no signature", "e=1795770000", someone, 0, SignatureMalformed, ""},
		{"no end", "s=" + sum, someone, 0, SignatureMalformed, ""},
		{"empty signature", "e=1795770000&s=", someone, 0, SignatureMalformed, ""},
		{"short signature", "e=1795770000&s=" + sum[1:], someone, 0, SignatureMalformed, ""},
		{"no end that is a number", "e=+1795770000&s=" + sum, someone, 0, SignatureMalformed, ""},
		{"end of all times", "e=" + strings.Repeat("9", 19) + "&s=" + sum, someone, 0, SignatureMalformed, ""},
		{"bad escape", "e=%zz&s=" + sum, someone, 0, SignatureMalformed, ""},
	} {
		got, viewer := p.verify([]byte(c.query), netip.MustParseAddr(c.from), c.now)
		if got != c.want || viewer != c.viewer {
			t.Errorf("%s: %q: got %v %q, want %v %q", c.name, c.query, got, viewer, c.want, c.viewer)
		}
	}
}

// Nobody who has not the key gets in, whatever the query, and what gets in was signed in that very form.
func FuzzSigned(f *testing.F) {
	p := keyed(f, testKey)
	for _, g := range []Grant{{Expires: anyTime}, {Expires: anyTime, From: someone, Viewer: "ann"}, {From: "10.0.0.0/8"}} {
		q, _ := signedQuery(f, p, g)
		f.Add([]byte(q), someone)
		f.Add([]byte(q+"?MSWMExt=.asf"), someoneV)
		f.Add([]byte("x=%41&"+q+"%23"), "::1%eth0")
	}
	f.Add([]byte("e=1&e=1&s=%00&ip=::&id=&=&&??"), "")
	f.Fuzz(func(t *testing.T, query []byte, from string) {
		q, s := parseSigned(query)
		if s == SignatureRight {
			expires, err := strconv.ParseInt(q.expires, 10, 64)
			if err != nil || q.sum == "" || strings.ContainsAny(q.query()[1:], "?# \r\n") {
				t.Fatalf("%q is well-formed: %+v", query, q)
			}
			// What is signed again is parsed as the same.
			again, _ := signedQuery(t, p, Grant{Expires: expires, From: q.from, Viewer: q.viewer})
			if r, s := parseSigned([]byte(again)); s != SignatureRight || r.from != q.from || r.viewer != q.viewer {
				t.Fatalf("%q and again %q: %+v", query, again, r)
			}
		}
		a, err := netip.ParseAddr(from)
		if err != nil {
			a = netip.Addr{}
		}
		got, viewer := keyed(t, auth.Secret(query)+"another").verify(query, a, 0)
		if got == SignatureRight || viewer != "" {
			t.Fatalf("%q lets in %s with another key", query, from)
		}
		p.verify(query, a, 0)
	})
}
