package proxied

import (
	"net/netip"
	"strings"
	"testing"

	"pumpd/codec"
)

func requestWith(t testing.TB, fields ...string) *codec.Request {
	var r codec.Request
	head := "GET / HTTP/1.1\r\n" + strings.Join(append(fields, "", ""), "\r\n")
	if _, err := codec.ParseRequest([]byte(head), 16<<10, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// Who has sent a request with fields, by way of 10.0.0.1. 10.0.0.0/8 and 127.0.0.1 are trusted. * is somebody hidden.
var senders = []struct {
	name   string
	fields []string
	want   string
}{
	{"nothing", nil, "10.0.0.1:5"},
	{"an empty field", []string{"X-Forwarded-For:", "Forwarded: "}, "10.0.0.1:5"},
	{"an empty list", []string{"X-Forwarded-For: , ,", "Forwarded: ,,"}, "10.0.0.1:5"},
	{"one", []string{"X-Forwarded-For: 203.0.113.7"}, "203.0.113.7:0"},
	{"one with its port", []string{"X-Forwarded-For: 203.0.113.7:4711"}, "203.0.113.7:4711"},
	{"IPv6", []string{"X-Forwarded-For: 2001:db8::7"}, "[2001:db8::7]:0"},
	{"IPv6 in brackets", []string{"X-Forwarded-For: [2001:db8::7]"}, "[2001:db8::7]:0"},
	{"IPv6 with its port", []string{"X-Forwarded-For: [2001:db8::7]:4711"}, "[2001:db8::7]:4711"},
	{"IPv4 as IPv6", []string{"X-Forwarded-For: ::ffff:203.0.113.7"}, "203.0.113.7:0"},
	{"whom the client speaks for", []string{"X-Forwarded-For: 198.51.100.3, 203.0.113.7"}, "203.0.113.7:0"},
	{"the same in two fields", []string{"X-Forwarded-For: 198.51.100.3", "X-Forwarded-For: 203.0.113.7"}, "203.0.113.7:0"},
	{"nonsense of the client's", []string{"X-Forwarded-For: \"x, 1.2, 203.0.113.7"}, "203.0.113.7:0"},
	{"a chain", []string{"X-Forwarded-For: 198.51.100.3,203.0.113.7 , 10.0.0.3,\t10.0.0.2"}, "203.0.113.7:0"},
	{"all are trusted", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
	{"unknown", []string{"X-Forwarded-For: unknown"}, "* at 10.0.0.1:5"},
	{"unknown at the far end of a chain", []string{"X-Forwarded-For: 203.0.113.7, unknown, 10.0.0.2"}, "* at 10.0.0.2:0"},
	{"a name", []string{"X-Forwarded-For: client.example"}, "* at 10.0.0.1:5"},
	{"a zone", []string{"X-Forwarded-For: fe80::1%eth0"}, "* at 10.0.0.1:5"},
	{"half a bracket", []string{"X-Forwarded-For: [2001:db8::7"}, "* at 10.0.0.1:5"},
	{"nothing in brackets", []string{"X-Forwarded-For: []:1"}, "* at 10.0.0.1:5"},
	{"a port that is none", []string{"X-Forwarded-For: 203.0.113.7:x"}, "* at 10.0.0.1:5"},
	{"something long", []string{"X-Forwarded-For: " + strings.Repeat("1", 4000)}, "* at 10.0.0.1:5"},
	{"the proxy's own machine", []string{"X-Forwarded-For: 127.0.0.8"}, "10.0.0.1:5"},
	{"another proxy's own machine", []string{"X-Forwarded-For: ::1, 10.0.0.2"}, "10.0.0.2:0"},
	{"five proxies that each write a field", []string{"X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 10.0.0.5",
		"X-Forwarded-For: 10.0.0.4", "X-Forwarded-For: 10.0.0.3", "X-Forwarded-For: 10.0.0.2"}, "10.0.0.5:0"},

	{"standard", []string{"Forwarded: for=203.0.113.7"}, "203.0.113.7:0"},
	{"in any case, with all parameters", []string{`Forwarded: by=_mine;FOR="203.0.113.7:4711";host=a.b;proto=http`},
		"203.0.113.7:4711"},
	{"quoted IPv6", []string{`Forwarded: for="[2001:db8::7]"`}, "[2001:db8::7]:0"},
	{"quoted IPv6 with its port", []string{`Forwarded: for="[2001:db8::7]:4711"`}, "[2001:db8::7]:4711"},
	{"IPv6 without quotes", []string{`Forwarded: for=[2001:db8::7]:4711;proto=http`}, "[2001:db8::7]:4711"},
	{"a port with a made-up name", []string{`Forwarded: for="203.0.113.7:_port"`}, "203.0.113.7:0"},
	{"the same with IPv6", []string{`Forwarded: for="[2001:db8::7]:_port"`}, "[2001:db8::7]:0"},
	{"escapes", []string{`Forwarded: for="20\3.0.113\.7"`}, "203.0.113.7:0"},
	{"separators in quotes", []string{`Forwarded: host="a,b;for=1.2.3.4";for=203.0.113.7`}, "203.0.113.7:0"},
	{"blanks", []string{"Forwarded: \t for=198.51.100.3 ; proto=http \t, ; for=203.0.113.7 ;"}, "203.0.113.7:0"},
	{"a standard chain", []string{`Forwarded: for=198.51.100.3, for=203.0.113.7`, `Forwarded: for="10.0.0.2";by=_x`},
		"203.0.113.7:0"},
	{"a made-up name", []string{"Forwarded: for=_hidden"}, "* at 10.0.0.1:5"},
	{"no client", []string{"Forwarded: for=203.0.113.7, proto=https"}, "* at 10.0.0.1:5"},
	{"an empty client", []string{"Forwarded: for="}, "* at 10.0.0.1:5"},
	{"two clients", []string{"Forwarded: for=203.0.113.7;for=203.0.113.8"}, "* at 10.0.0.1:5"},
	{"the client's quote swallows ours", []string{`Forwarded: for=1.2.3.4;x=", for=203.0.113.7`}, "* at 10.0.0.1:5"},
	{"and is closed by it", []string{`Forwarded: for=1.2.3.4;x=", for="[2001:db8::7]"`}, "* at 10.0.0.1:5"},
	{"a quote in a value", []string{`Forwarded: for=1.2.3.4;x=a", for=203.0.113.7`}, "* at 10.0.0.1:5"},
	{"a quote in a name", []string{`Forwarded: "for=1.2.3.4, for=203.0.113.7`}, "* at 10.0.0.1:5"},
	{"an escape at the end", []string{`Forwarded: for="203.0.113.7\`}, "* at 10.0.0.1:5"},
	{"something behind quotes", []string{`Forwarded: for="203.0.113.7"x`}, "* at 10.0.0.1:5"},
	{"two words", []string{`Forwarded: for=203.0.113.7 1`}, "* at 10.0.0.1:5"},
	{"no value", []string{`Forwarded: for`}, "* at 10.0.0.1:5"},
	{"no name", []string{`Forwarded: =203.0.113.7`}, "* at 10.0.0.1:5"},
	{"nonsense in a line of the client's", []string{`Forwarded: for="`, `Forwarded: for=203.0.113.7`}, "203.0.113.7:0"},

	{"both agree", []string{"X-Forwarded-For: 203.0.113.7", `Forwarded: for="203.0.113.7:4711"`}, "203.0.113.7:4711"},
	{"both agree, the other way", []string{"X-Forwarded-For: 203.0.113.7:4711", "Forwarded: for=203.0.113.7"},
		"203.0.113.7:4711"},
	{"they do not", []string{"X-Forwarded-For: 203.0.113.7", "Forwarded: for=198.51.100.3"}, "* at 10.0.0.1:5"},
	{"one hides the proxy", []string{"X-Forwarded-For: 10.0.0.1:5", "Forwarded: for=unknown"}, "* at 10.0.0.1:5"},
}

func (p Peer) text() string {
	if p.Hidden {
		return "* at " + p.At.String()
	}
	return p.At.String()
}

func trust(t testing.TB, networks ...string) Trusted {
	trusted, err := ParseTrusted(networks)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

func peer(at string) Peer { return Peer{At: netip.MustParseAddrPort(at)} }

func TestSender(t *testing.T) {
	trusted := trust(t, "10.0.0.0/8", "127.0.0.1")
	for _, c := range senders {
		if got := trusted.Sender(peer("10.0.0.1:5"), requestWith(t, c.fields...)).text(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whom nobody trusts may say what it likes, and so may who is hidden by a proxy that we trust.
func TestSenderThatIsNotTrusted(t *testing.T) {
	trusted := trust(t, "10.0.0.0/8")
	for _, p := range []Peer{
		peer("203.0.113.7:5"), peer("127.0.0.1:5"), peer("[::1]:5"), {At: peer("10.0.0.1:5").At, Hidden: true},
	} {
		for _, c := range senders {
			if got := trusted.Sender(p, requestWith(t, c.fields...)); got != p {
				t.Errorf("%s from %v: %v", c.name, p, got)
			}
		}
	}
	p := peer("10.0.0.1:5")
	if got := (Trusted{}).Sender(p, requestWith(t, "X-Forwarded-For: 1.2.3.4")); got != p {
		t.Errorf("nobody is trusted: %v", got)
	}
}

func TestIntroduced(t *testing.T) {
	for _, c := range []struct{ proxy, client, want string }{
		{"10.0.0.1:5", "203.0.113.7:4711", "203.0.113.7:4711"},
		{"10.0.0.1:5", "", "* at 10.0.0.1:5"},
		{"127.0.0.1:5", "127.0.0.7:4711", "127.0.0.7:4711"},
		{"[::1]:5", "127.0.0.7:4711", "127.0.0.7:4711"},
		{"10.0.0.1:5", "127.0.0.7:4711", "10.0.0.1:5"},
		{"10.0.0.1:5", "[::1]:4711", "10.0.0.1:5"},
	} {
		client, _ := netip.ParseAddrPort(c.client)
		if got := peer(c.proxy).Introduced(client).text(); got != c.want {
			t.Errorf("%s names %q: %s, want %s", c.proxy, c.client, got, c.want)
		}
	}
}

func TestParseTrusted(t *testing.T) {
	_, err := ParseTrusted([]string{"10.0.0.1", "10.0.0.0/33"})
	if err == nil || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("got %v", err)
	}
	trusted := trust(t, "10.0.0.0/8", "2001:db8::7", "::ffff:192.0.2.1")
	for a, want := range map[string]bool{
		"10.1.2.3": true, "2001:db8::7": true, "2001:db8::8": false, "192.0.2.1": true, "192.0.2.2": false,
	} {
		if got := trusted.Has(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}

// Whatever stands before it, what a trusted proxy adds at the end is what counts, or nobody is named.
func FuzzSender(f *testing.F) {
	for _, c := range senders {
		for _, field := range c.fields {
			_, value, _ := strings.Cut(field, ":")
			f.Add(strings.TrimSpace(value), "")
			f.Add("", strings.TrimSpace(value))
		}
	}
	trusted := trust(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string) {
		p := peer("10.0.0.1:5")
		plain := func(a, b string) Peer {
			return trusted.Sender(p, &codec.Request{ForwardedFor: codec.Lines{[]byte(a)}, Forwarded: codec.Lines{[]byte(b)}})
		}
		if got := plain(forwardedFor, forwarded); !got.At.IsValid() || got.At.Addr().Zone() != "" || got.At.Addr().Is4In6() {
			t.Errorf("%q, %q: %v", forwardedFor, forwarded, got)
		}
		const client = "203.0.113.7:0"
		if got := plain(forwardedFor+", 203.0.113.7", "").text(); got != client {
			t.Errorf("X-Forwarded-For %q: %s", forwardedFor, got)
		}
		for _, added := range []string{
			`, for=203.0.113.7`, `, for="203.0.113.7";by=_x`, `, for="203.0.113.7", for="10.0.0.2"`,
		} {
			got := plain("", forwarded+added)
			if got.text() != client && !got.Hidden {
				t.Errorf("Forwarded %q%s: %v", forwarded, added, got)
			}
		}
	})
}
