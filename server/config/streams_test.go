package config

import (
	"strings"
	"testing"
	"time"
)

const (
	pushTable = "[[streams]]\npath = \"a\"\ntype = \"mmsh_push\"\n" // three lines
	pullTable = "[[streams]]\npath = \"a\"\ntype = \"mmsh_pull\"\n"
	fileTable = "[[streams]]\npath = \"a\"\ntype = \"file\"\n"

	wantPath  = ", want up to 128 letters, digits, and . _ -"
	pullOf    = pullTable + "url = \"mmsh://a/\"\n"
	tlsPull   = pullTable + "url = \"mmshs://a/\"\n"
	somePrint = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"

	wantScheme  = ", want a URL that begins with mmsh://, mmshs://, http://, https://, mms://"
	wantService = `, want a name such as "srv:_mmsh._tcp.example.org/path"`

	wantNetwork = `, want an address or a network such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"`

	wantUser = `: the value, want "name:secret" of up to 255 bytes`
)

// fileAt is a stream of three lines.
func fileAt(path string) string { return strings.Replace(fileTable, `"a"`, `"`+path+`"`, 1) }

var badStreams = []badConfig{
	{"empty stream", "[[streams]]\n[[streams]]\npath = \"a\"\ntype = \"file\"\n",
		"pump.toml:1: streams[0].path: missing\n" +
			`pump.toml:1: streams[0].type: missing, want "mmsh_push", "mmsh_pull" or "file"`},
	{"empty path", fileAt(""), `pump.toml:2: streams[0].path: ""` + wantPath},
	{"slash in a path", fileAt("/a"), `pump.toml:2: streams[0].path: "/a"` + wantPath},
	{"letter that needs escapes", fileAt("ä"), `pump.toml:2: streams[0].path: "ä"` + wantPath},
	{"path that means another", fileAt(".."), `pump.toml:2: streams[0].path: ".."` + wantPath},
	{"long path", fileAt(strings.Repeat("a", 129)),
		`pump.toml:2: streams[0].path: "` + strings.Repeat("a", 129) + `"` + wantPath},
	{"path twice", fileAt("Demo") + fileAt("b") + fileAt("dEMO"),
		`pump.toml:8: streams[2].path: "dEMO", already used by streams[0] (line 2)`},
	{"path of another's pushes", fileAt("b") + pushTable + fileAt("A_Push"),
		`pump.toml:8: streams[2].path: "A_Push", encoders of streams[1] (line 5) push to this path`},
	{"path of another's pushes above it", fileAt("a_push") + pushTable,
		`pump.toml:2: streams[0].path: "a_push", encoders of streams[1] (line 5) push to this path`},
	{"title with a line break", fileTable + "title = \"a\\nb\"\n",
		`pump.toml:4: streams[0].title: "a\nb", want up to 256 bytes without control characters`},
	{"unknown type", strings.Replace(fileTable, "file", "flie", 1) + "push_users = []\n",
		`pump.toml:3: streams[0].type: "flie", want "mmsh_push", "mmsh_pull" or "file"`},

	{"URL for a push", pushTable + "url = \"\"\n",
		`pump.toml:4: streams[0].url: not for type "mmsh_push", only for "mmsh_pull"`},
	{"users for a pull", pullTable + "url = \"mms://a\"\npush_users = []\n",
		`pump.toml:5: streams[0].push_users: not for type "mmsh_pull", only for "mmsh_push"`},
	{"push policy for a file", fileTable + "on_second_push = \"takeover\"\n",
		`pump.toml:4: streams[0].on_second_push: not for type "file", only for "mmsh_push"`},
	{"file for a pull", pullTable + "file = \"a.asf\"\nurls = [\"mms://a\"]\n",
		`pump.toml:4: streams[0].file: not for type "mmsh_pull", only for "file"`},

	{"push policy", pushTable + "on_second_push = \"take\"\n",
		`pump.toml:4: streams[0].on_second_push: "take", want "takeover" or "refuse"`},
	{"user without secret", pushTable + "push_users = [\"a:b\",\n\"a\"]\n", "pump.toml:5: streams[0].push_users[1]" +
		wantUser},
	{"empty secret", pushTable + "push_users = [\"a:\"]\n", "pump.toml:4: streams[0].push_users[0]" + wantUser},
	{"empty name", pushTable + "push_users = [\":b\"]\n", "pump.toml:4: streams[0].push_users[0]" + wantUser},
	{"quote in a name", pushTable + "push_users = ['a\"b:c']\n",
		"pump.toml:4: streams[0].push_users[0]: the value, want a name without quotes and backslashes, and no control " +
			"characters"},
	{"user twice", pushTable + "push_users = [\"a:b\", \"a:c\"]\n",
		`pump.toml:4: streams[0].push_users[1]: "a", there already is a user of that name`},

	{"network that is none", pushTable + "push_from = [\"10.0.0.0/8\",\n\"10.0.0.0/33\"]\n",
		`pump.toml:5: streams[0].push_from[1]: "10.0.0.0/33"` + wantNetwork},
	{"host name as network", pushTable + "push_from = [\"localhost\"]\n",
		`pump.toml:4: streams[0].push_from[0]: "localhost"` + wantNetwork},
	{"network in no list", pushTable + "push_from = \"10.0.0.1\"\n",
		`pump.toml:4: streams[0].push_from: "10.0.0.1", want a list of strings in brackets`},
	{"network for a pull", pullOf + "push_from = []\n",
		`pump.toml:5: streams[0].push_from: not for type "mmsh_pull", only for "mmsh_push"`},

	{"viewer without secret", fileTable + "view_users = [\"a\"]\n", "pump.toml:4: streams[0].view_users[0]" + wantUser},
	{"viewers from nowhere", fileTable + "view_from = [\"10/8\"]\n",
		`pump.toml:4: streams[0].view_from[0]: "10/8"` + wantNetwork},
	{"empty key", fileTable + "view_keys = [\"0123456789abcdef\", \"\"]\n",
		"pump.toml:4: streams[0].view_keys[1]: the value, want 1 to 255 bytes without control characters"},
	{"key with a line break", fileTable + "view_keys = [\"a\\n\"]\n",
		"pump.toml:4: streams[0].view_keys[0]: the value, want 1 to 255 bytes without control characters"},
	{"satisfied by some", fileTable + "view_satisfy = \"some\"\n",
		`pump.toml:4: streams[0].view_satisfy: "some", want "all" or "any"`},
	{"callback by file", fileTable + "auth_url = \"ftp://x/\"\n",
		`pump.toml:4: streams[0].auth_url: "ftp://x/", want a URL that begins with http://, https://`},
	{"half open", fileTable + "auth_fail = \"ajar\"\n",
		`pump.toml:4: streams[0].auth_fail: "ajar", want "closed" or "open"`},
	{"answers for ever", fileTable + "auth_ttl = \"25h\"\n",
		"pump.toml:4: streams[0].auth_ttl: 90000s, want 0s to 86400s"},
	{"no time to answer", fileTable + "auth_timeout = \"0s\"\n",
		"pump.toml:4: streams[0].auth_timeout: 0s, want 100ms to 60s"},

	{"pull from nowhere", pullTable, `pump.toml:1: streams[0].url: missing, want url, urls or pair for type "mmsh_pull"`},
	{"url and urls", pullTable + "url = \"mms://a\"\nurls = [\"mms://b\"]\n",
		"pump.toml:5: streams[0].urls: url is on line 4, want one of the two"},
	{"empty url", pullTable + "url = \"\"\n",
		`pump.toml:4: streams[0].url: "", want a URL that begins with mmsh://, mmshs://, http://, https://, mms://`},
	{"empty urls", pullTable + "urls = []\n", "pump.toml:4: streams[0].urls: 0 URLs, want 1 to 16"},
	{"urls and a pair", pullTable + "pair = [\"mms://a\", \"mms://b\"]\nurls = [\"mms://b\"]\n",
		"pump.toml:4: streams[0].pair: urls is on line 5, want one of the two"},
	{"17 urls", pullTable + "urls = [" + strings.Repeat("\"mms://a\", ", 17) + "]\n", "pump.toml:4: streams[0].urls: 17 " +
		"URLs, want 1 to 16"},
	{"half a pair", pullTable + "pair = [\"mms://a\"]\n", "pump.toml:4: streams[0].pair: 1 URLs, want two"},
	{"pair of three", pullTable + "pair = [\"mms://a\", \"mms://b\", \"mms://c\"]\n", "pump.toml:4: streams[0].pair: 3 " +
		"URLs, want two"},
	{"password in a pair", pullTable + "pair = [\"mms://a\", \"rtsp://me:secret@b\"]\n",
		`pump.toml:4: streams[0].pair[1]: "rtsp://…@b"` + wantScheme},
	{"pair for a file", fileTable + "pair = []\n",
		`pump.toml:4: streams[0].pair: not for type "file", only for "mmsh_pull"`},
	{"demand for a push", pushTable + "on_demand = true\n",
		`pump.toml:4: streams[0].on_demand: not for type "mmsh_push", only for "mmsh_pull"`},
	{"slate for a file", fileTable + "slate = \"builtin\"\n",
		`pump.toml:4: streams[0].slate: not for type "file", only for "mmsh_push" and "mmsh_pull"`},
	{"slate that is not there", pushTable + "slate = \"none.asf\"\n", "pump.toml:4: streams[0].slate: stat none.asf: no " +
		"such file or directory"},
	{"slate after never", pushTable + "slate_after = \"2h\"\n", "pump.toml:4: streams[0].slate_after: 7200s, want 0s " +
		"to 3600s"},
	{"hold for ever", fileTable + "hold = \"301s\"\n", "pump.toml:4: streams[0].hold: 301s, want 0s to 300s"},
	{"hold below 0", fileTable + "hold = \"-1s\"\n", "pump.toml:4: streams[0].hold: -1s, want 0s to 300s"},
	{"pair that never switches", pullOf + "pair_switch = \"2m\"\n", "pump.toml:5: streams[0].pair_switch: 120s, want " +
		"100ms to 60s"},
	{"pair that always switches", pullOf + "pair_switch = \"0s\"\n", "pump.toml:5: streams[0].pair_switch: 0s, want " +
		"100ms to 60s"},
	{"failback", pullOf + "failback = \"-1s\"\n", "pump.toml:5: streams[0].failback: -1s, want 0s to 86400s"},
	{"redirects to nowhere", pullOf + "follow_redirects = \"none\"\n",
		`pump.toml:5: streams[0].follow_redirects: "none", want "same-host", "public" or "any"`},
	{"redirects of a push", pushTable + "follow_redirects = \"any\"\n",
		`pump.toml:4: streams[0].follow_redirects: not for type "mmsh_push", only for "mmsh_pull"`},
	{"idle_close", pullOf + "idle_close = \"61m\"\n", "pump.toml:5: streams[0].idle_close: 3660s, want 0s to 3600s"},
	{"demand in quotes", pullOf + "on_demand = \"yes\"\n", `pump.toml:5: streams[0].on_demand: "yes", want true or false`},

	{"service without a domain", pullTable + "url = \"srv:_mmsh._tcp/x\"\n",
		`pump.toml:4: streams[0].url: "srv:_mmsh._tcp/x"` + wantService},
	{"service of UDP", pullTable + "url = \"srv:_mmsh._udp.a.example/x\"\n",
		`pump.toml:4: streams[0].url: "srv:_mmsh._udp.a.example/x"` + wantService},
	{"service of another protocol", pullTable + "url = \"srv:_rtsp._tcp.a.example/x\"\n",
		`pump.toml:4: streams[0].url: "srv:_rtsp._tcp.a.example/x"` + wantService},
	{"service with a port", pullTable + "url = \"srv:_mmsh._tcp.a.example:80/x\"\n",
		`pump.toml:4: streams[0].url: "srv:_mmsh._tcp.a.example:80/x"` + wantService},
	{"service as a URL", pullTable + "url = \"srv://_mmsh._tcp.a.example/x\"\n",
		`pump.toml:4: streams[0].url: "srv://_mmsh._tcp.a.example/x"` + wantService},
	{"service with a secret", pullTable + "url = \"srv:me:secret@_mmsh._tcp./x\"\n",
		`pump.toml:4: streams[0].url: "…@_mmsh._tcp./x"` + wantService},
	{"service with a space", pullTable + "url = \"srv:_mmsh._tcp.a.example/ x\"\n",
		`pump.toml:4: streams[0].url: "srv:_mmsh._tcp.a.example/ x"` + wantService},

	{"CA that is not there", pullOf + "ca_file = \"none.pem\"\n", "pump.toml:5: streams[0].ca_file: stat none.pem: no " +
		"such file or directory"},
	{"CA that is none", pullOf + "ca_file = \"config.go\"\n", "pump.toml:5: streams[0].ca_file: config.go: no " +
		"certificate in PEM form"},
	{"fingerprint of something else", tlsPull + "fingerprint = \"0123456789abcdef\"\n",
		`pump.toml:5: streams[0].fingerprint: "0123456789abcdef", want the 64 hex digits of a SHA-256, with colons or without`},
	{"fingerprint with a letter", tlsPull + "fingerprint = \"g" + somePrint[1:] + "\"\n",
		`pump.toml:5: streams[0].fingerprint: "g` + somePrint[1:] +
			`", want the 64 hex digits of a SHA-256, with colons or without`},
	{"fingerprint of nobody", pullOf + "fingerprint = \"" + somePrint + "\"\n",
		"pump.toml:5: streams[0].fingerprint: no URL of this stream speaks TLS, want mmshs:// or https://"},

	{"certificate without a key", tlsPull + "client_cert = \"config.go\"\n",
		"pump.toml:1: streams[0].client_key: missing, want the name of a file"},
	{"certificate that is none", tlsPull + "client_cert = \"config.go\"\nclient_key = \"config.go\"\n",
		`pump.toml:1: streams[0]: cert "config.go", key "config.go": tls: failed to find any PEM data in certificate input`},
	{"certificate for a push", pushTable + "client_cert = \"\"\n",
		`pump.toml:4: streams[0].client_cert: not for type "mmsh_push", only for "mmsh_pull"`},
	{"names that nobody signs", pushTable + "push_certs = [\"a\"]\n",
		"pump.toml:4: streams[0].push_certs: there is no tls.client_ca, which says who signs such certificates"},
	{"names that nobody signs, in so many words", "[tls]\nclient_ca = \"\"\n" + pushTable + "push_certs = [\"a\"]\n",
		"pump.toml:6: streams[0].push_certs: there is no tls.client_ca, which says who signs such certificates"},
	{"empty name", pushTable + "push_certs = [\"\"]\n",
		`pump.toml:4: streams[0].push_certs[0]: "", want a name as a certificate has it, such as "encoder.example"`},

	{"scheme of the second", pullTable + "urls = [\"mms://a\",\n\"rtsp://b:1/\"]\n",
		`pump.toml:5: streams[0].urls[1]: "rtsp://b:1/", want a URL that begins with mmsh://, mmshs://, http://, https://, mms://`},
	{"port of an upstream", pullTable + "url = \"mmsh://host:70707/\"\n",
		`pump.toml:4: streams[0].url: "mmsh://host:70707/"` + wantHost + "mmsh://"},
	{"user of an upstream", pullTable + "url = \"mmsh://me:secret@/\"\n",
		`pump.toml:4: streams[0].url: "mmsh://…@/"` + wantHost + "mmsh://"},
	{"missing file", fileTable + "file = \"none.asf\"\n", "pump.toml:4: streams[0].file: stat none.asf: no such file or " +
		"directory"},
	{"mistake in a stream that is off", pushTable + "enabled = false\nurl = \"mms://a\"\n",
		`pump.toml:5: streams[0].url: not for type "mmsh_push", only for "mmsh_pull"`},
}

// Certificates are shown over TLS alone.
func TestPushCertsWantTLS(t *testing.T) {
	cert := testCertificate(t)
	text := "[tls]\nclient_ca = \"pump.crt\"\n" + pushTable + "push_certs = [\"a\"]\n"
	_, err := Parse([]byte(text), cert.dir+"/pump.toml")
	want := cert.dir + "/pump.toml:6: streams[0].push_certs: there is no tls.listen, and only TLS shows such certificates"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestBadStreams(t *testing.T) { testBad(t, badStreams) }

func TestGoodStreams(t *testing.T) {
	for _, text := range []string{
		fileAt("A-z_0.9"),
		fileAt("a") + fileAt("a_pus") + fileAt("_push") + fileAt("b_push"),
		pushTable + "push_users = [\"a:b:c\", \"b:c\", \"A:b\"]\non_second_push = \"refuse\"\n",
		pullTable + "url = \"http://me:secret@[::1]:8080/a/b?WMBitrate=1\"\n",
		pullTable + "urls = [\"mmsh://a\", \"mms://a\", \"https://a:1\", \"mmshs://a/\", \"http://a_b.example\"]\n",
		pullTable + "urls = [\"srv:_mmsh._tcp.a.example\", \"srv:me:secret@_https._TCP.a.example/x?y\"]\nfailback = \"0s\"\n",
		pullTable + "pair = [\"mms://a\", \"mms://a\"]\npair_switch = \"100ms\"\non_demand = true\nidle_close = \"0s\"\n",
		tlsPull + "fingerprint = \"" + somePrint + "\"\n",
		tlsPull + "fingerprint = \"" + strings.ToUpper(somePrint[:2]+":"+somePrint[2:]) + "\"\n",
		pullTable + "url = \"srv:_mmshs._tcp.a.example/\"\nfingerprint = \"" + somePrint + "\"\n",
		pullOf + "slate = \"builtin\"\nslate_after = \"0s\"\nhold = \"5m\"\n",
		pushTable + "push_from = [\"::1\", \"10.0.0.0/8\", \"2001:db8::/32\", \"0.0.0.0/0\"]\n",
		pushTable + "slate = \"config.go\"\n",
		fileTable + "view_users = [\"a:b\"]\nview_from = [\"::1\"]\nview_keys = [\"a\", \"b\"]\nview_satisfy = \"any\"\n",
		pullOf + "auth_url = \"https://a:b@c/d?e\"\nauth_fail = \"open\"\nauth_ttl = \"0s\"\nauth_timeout = \"1m\"\n",
		fileTable + "title = \"Ünïcode, and 'quotes'\"\nenabled = false\n",
		fileTable + "file = \"config.go\"\n",
	} {
		if _, err := Parse([]byte(text), "pump.toml"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHoldDefault(t *testing.T) {
	for text, want := range map[string]time.Duration{
		pullOf:                        0,
		pullOf + "on_demand = true\n": 10 * time.Second,
		pullOf + "on_demand = true\nhold = \"0s\"\n":  0,
		pullOf + "hold = \"20s\"\non_demand = true\n": 20 * time.Second,
		pullOf + "on_demand = false\nhold = \"1s\"\n": time.Second,

		"streams = [{ path = \"a\", type = \"mmsh_pull\", url = \"mms://a\", hold=\"1s\", on_demand=true }]\n": time.Second,
	} {
		c, err := Parse([]byte(text), "pump.toml")
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := time.Duration(c.Streams[0].Hold); got != want {
			t.Errorf("%q: hold %v, want %v", text, got, want)
		}
	}
}

// Whom to trust is one thing, and named by a file that counts from the directory of the configuration.
func TestTrustInConfig(t *testing.T) {
	cert := testCertificate(t)
	text := tlsPull + "ca_file = \"pump.crt\"\nslate = \"pump.crt\"\n"
	c, err := Parse([]byte(text), cert.dir+"/pump.toml")
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Streams[0]; s.CAFile != cert.dir+"/pump.crt" || s.Slate != cert.dir+"/pump.crt" {
		t.Errorf("ca_file %q, slate %q, want both in %s", s.CAFile, s.Slate, cert.dir)
	}
	_, err = Parse([]byte(text+"fingerprint = \""+somePrint+"\"\n"), cert.dir+"/pump.toml")
	if want := cert.dir + "/pump.toml:7: streams[0].fingerprint: there is a ca_file on line 5, want one " +
		"of the two"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
