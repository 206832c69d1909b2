package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	wantAddress = `, want host:port such as ":8086", "127.0.0.1:8086" or "[::1]:8086"`
	wantHost    = `, want a host and a port from 1 to 65535 after `
)

var badValues = []badConfig{
	{"no address", "[server]\nlisten = []\n", `pump.toml:2: server.listen: no address, want at least one such as ":8086"`},
	{"port alone", "[server]\nlisten = [\"8086\"]\n", `pump.toml:2: server.listen[0]: "8086"` + wantAddress},
	{"IPv6 without brackets", "[server]\nlisten = [\"::1:8086\"]\n", `pump.toml:2: server.listen[0]: "::1:8086"` +
		wantAddress},
	{"IPv4 too large", "[server]\nlisten = [\"127.0.0.256:80\"]\n", `pump.toml:2: server.listen[0]: "127.0.0.256:80"` +
		wantAddress},
	{"URL as address", "[server]\nadmin = \"http://host:80\"\n", `pump.toml:2: server.admin: "http://host:80"` +
		wantAddress},
	{"space in an address", "[server]\nadmin = \" :80\"\n", `pump.toml:2: server.admin: " :80"` + wantAddress},
	{"empty address", "[server]\nlisten = [\"\"]\n", `pump.toml:2: server.listen[0]: ""` + wantAddress},
	{"name with a port", "[server]\nadmin_hosts = [\"pump.example\", \"pump.example:8087\"]\n",
		`pump.toml:2: server.admin_hosts[1]: "pump.example:8087", want a name such as "pump.example", without a port`},
	{"empty name", "[server]\nadmin_hosts = [\"\"]\n",
		`pump.toml:2: server.admin_hosts[0]: "", want a name such as "pump.example", without a port`},
	{"admin with TLS and no certificate", "[server]\nadmin_tls = true\n",
		`pump.toml:2: server.admin_tls: true, but there is no certificate: want at least one in tls.certificates`},
	{"admin without a password", "[server]\nadmin_users = [\"root\"]\n",
		`pump.toml:2: server.admin_users[0]: the value, want "name:secret" of up to 255 bytes`},
	{"proxy by name", "[server]\ntrusted_proxies = [\"127.0.0.1\", \"haproxy\"]\n",
		`pump.toml:2: server.trusted_proxies[1]: "haproxy"` + wantNetwork},
	{"proxy with a port", "[server]\ntrusted_proxies = [\"127.0.0.1:80\"]\n",
		`pump.toml:2: server.trusted_proxies[0]: "127.0.0.1:80"` + wantNetwork},
	{"ready stream of another name", "[server]\nready_streams = [\"a\", \"b\"]\n[[streams]]\npath = \"A\"\n" +
		"type = \"mmsh_push\"\n",
		`pump.toml:2: server.ready_streams[1]: "b", want the path of a stream`},
	{"ready stream that is off", "[server]\nready_streams = [\"a\"]\n[[streams]]\npath = \"a\"\ntype = \"mmsh_push\"\n" +
		"enabled = false\n",
		`pump.toml:2: server.ready_streams[0]: "a", that stream is switched off (enabled = false)`},
	{"port too large", "[server]\nadmin = \":65536\"\n",
		`pump.toml:2: server.admin: ":65536", want a port from 0 to 65535`},
	{"port by name", "[server]\nadmin = \":http\"\n", `pump.toml:2: server.admin: ":http", want a port from 0 to 65535`},
	{"no port", "[server]\nadmin = \"host:\"\n", `pump.toml:2: server.admin: "host:", want a port from 0 to 65535`},
	{"address twice", "[server]\nlisten = [\":1\",\n\":1\"]\n",
		`pump.toml:3: server.listen[1]: ":1", already used by server.listen[0]`},
	{"all addresses and one", "[server]\nlisten = [\":8087\"]\n",
		`pump.toml:1: server.admin: "127.0.0.1:8087", already used by server.listen[0], ":8087"`},
	{"address of the admin's default", "[server]\nlisten = [\"127.0.0.1:8087\"]\n",
		`pump.toml:1: server.admin: "127.0.0.1:8087", already used by server.listen[0]`},

	{"redirect to another scheme", "[server]\nredirect_404_to = \"rtsp://a/\"\n",
		`pump.toml:2: server.redirect_404_to: "rtsp://a/", want a URL that begins with http://, https://, mmsh://`},
	{"redirect to a path", "[server]\nredirect_404_to = \"/a\"\n",
		`pump.toml:2: server.redirect_404_to: "/a", want a URL that begins with http://, https://, mmsh://`},
	{"redirect with a line break", "[server]\nredirect_404_to = \"http://a/\\r\\nX: y\"\n",
		`pump.toml:2: server.redirect_404_to: "http://a/\r\nX: y", want a URL such as "http://host:port/path"`},
	{"redirect with a letter that needs escapes", "[server]\nredirect_404_to = \"http://a/ü\"\n",
		`pump.toml:2: server.redirect_404_to: "http://a/ü", want a URL such as "http://host:port/path"`},
	{"redirect without host", "[server]\nredirect_404_to = \"http:///a\"\n",
		`pump.toml:2: server.redirect_404_to: "http:///a"` + wantHost + "http://"},

	{"merge too long", "[server]\nmerge = \"1001ms\"\n", "pump.toml:2: server.merge: 1001ms, want 0s to 1s"},
	{"merge below 0", "[server]\nmerge = \"-1ms\"\n", "pump.toml:2: server.merge: -1ms, want 0s to 1s"},
	{"burst too long", "[server]\nburst = \"61s\"\nmax_lag = \"2m\"\n", "pump.toml:2: server.burst: 61s, want 0s to 60s"},
	{"max_lag too short", "[server]\nburst = \"0s\"\nmax_lag = \"999ms\"\n", "pump.toml:3: server.max_lag: 999ms, want " +
		"1s to 600s"},
	{"max_lag below burst", "[server]\nburst = \"10s\"\n",
		"pump.toml:1: server.max_lag: 10s, must be longer than burst, 10s: viewers start that far behind"},
	{"loops", "[server]\nloops = 257\n", "pump.toml:2: server.loops: 257, want 0 to 256"},
	{"connections", "[server]\nmax_connections = -1\n", "pump.toml:2: server.max_connections: -1, want 0 to 10000000"},
	{"engine", "[server]\nengine = \"epoll\"\n",
		`pump.toml:2: server.engine: "epoll", want "auto", "sendto" or "io_uring"`},
	{"log_level", "[server]\nlog_level = \"INFO\"\n",
		`pump.toml:2: server.log_level: "INFO", want "debug", "info", "warn" or "error"`},
	{"access_log", "[server]\naccess_log = \"/nowhere/at/all/access.log\"\n",
		`pump.toml:2: server.access_log: stat /nowhere/at/all: no such file or directory, want "stdout" or a file that ` +
			`pumpd can write`},
	{"access_log, a directory", "[server]\naccess_log = \"/proc\"\n",
		`pump.toml:2: server.access_log: open /proc: is a directory, want "stdout" or a file that pumpd can write`},
	{"access_format", "[server]\naccess_format = \"common\"\n",
		`pump.toml:2: server.access_format: "common", want "combined", "json" or "w3c"`},
	{"access_interval", "[server]\naccess_log = \"stdout\"\naccess_interval = \"100ms\"\n",
		"pump.toml:3: server.access_interval: 100ms, want 1s to 86400s"},
	{"access_interval alone", "[server]\naccess_interval = \"60s\"\n",
		"pump.toml:2: server.access_interval: 60s, but there is no access_log"},
	{"log_format", "[server]\nlog_format = \"\"\n", `pump.toml:2: server.log_format: "", want "text" or "json"`},

	{"request_head", "[timeouts]\nrequest_head = \"0s\"\n", "pump.toml:2: timeouts.request_head: 0s, want 1s to 300s"},
	{"handshake", "[timeouts]\nhandshake = \"61s\"\n", "pump.toml:2: timeouts.handshake: 61s, want 1s to 60s"},
	{"source_idle", "[timeouts]\nsource_idle = \"9s\"\n", "pump.toml:2: timeouts.source_idle: 9s, want 10s to 3600s"},
	{"pull_stall", "[timeouts]\npull_stall = \"0s\"\n", "pump.toml:2: timeouts.pull_stall: 0s, want 1s to 3600s"},
	{"push_setup", "[timeouts]\npush_setup = \"2h\"\n", "pump.toml:2: timeouts.push_setup: 7200s, want 1s to 3600s"},
	{"source_grace", "[timeouts]\nsource_grace = \"-1s\"\n", "pump.toml:2: timeouts.source_grace: -1s, want 0s to 3600s"},
	{"upgrade", "[timeouts]\nupgrade = \"0s\"\n", "pump.toml:2: timeouts.upgrade: 0s, want 1s to 600s"},
	{"linger", "[timeouts]\nupgrade_linger = \"25h\"\n",
		"pump.toml:2: timeouts.upgrade_linger: 90000s, want 0s to 86400s"},
	{"drain", "[timeouts]\ndrain = \"2h\"\n", "pump.toml:2: timeouts.drain: 7200s, want 0s to 3600s"},
	{"stall", "[timeouts]\nstall = \"500ms\"\n", "pump.toml:2: timeouts.stall: 500ms, want 1s to 3600s"},

	{"TLS without certificate", "[tls]\nlisten = [\":8089\"]\n", "pump.toml:1: tls.certificates: missing, want at least " +
		"one for tls.listen"},
	{"TLS on the plain port", "[tls]\nlisten = [\":8086\"]\n",
		"pump.toml:1: tls.certificates: missing, want at least one for tls.listen\n" +
			`pump.toml:2: tls.listen[0]: ":8086", already used by server.listen[0]`},
	{"certificate that is not there", "[[tls.certificates]]\ncert = \"none.crt\"\nkey = \"/none.key\"\n",
		"pump.toml:2: tls.certificates[0].cert: stat none.crt: no such file or directory\n" +
			"pump.toml:3: tls.certificates[0].key: stat /none.key: no such file or directory"},
	{"certificate that is a directory", "[tls]\ncertificates = [{ cert = \".\", key = \"/dev/zero\" }]\n",
		"pump.toml:2: tls.certificates[0].cert: .: not an ordinary file\n" +
			"pump.toml:2: tls.certificates[0].key: /dev/zero: not an ordinary file"},

	{"user that is not there", "[server]\nuser = \"no-such-user\"\n",
		`pump.toml:2: server.user: "no-such-user": there is no such user`},
	{"root as user", "[server]\nuser = \"root\"\n", `pump.toml:2: server.user: "root": is root, want a user who is not`},

	{"old TLS", "[tls]\nmin_version = \"1.1\"\n", `pump.toml:2: tls.min_version: "1.1", want "1.2" or "1.3"`},
	{"CA that is none", "[tls]\nclient_ca = \"config.go\"\n", "pump.toml:2: tls.client_ca: config.go: no certificate in " +
		"PEM form"},
	{"CA that is not there", "[tls]\nclient_ca = \"none\"\n", "pump.toml:2: tls.client_ca: stat none: no such file or " +
		"directory"},

	{"proxy by https", "[proxy]\nurl = \"https://proxy:8080\"\n",
		`pump.toml:2: proxy.url: "https://proxy:8080", want a URL that begins with http://`},
	{"proxy without scheme", "[proxy]\nurl = \"proxy:8080\"\n",
		`pump.toml:2: proxy.url: "proxy:8080", want a URL that begins with http://`},
	{"proxy with a path", "[proxy]\nurl = \"http://proxy:8080/x\"\n",
		`pump.toml:2: proxy.url: "http://proxy:8080/x", want nothing after host and port`},
	{"proxy with an empty port", "[proxy]\nurl = \"http://proxy:\"\n", `pump.toml:2: proxy.url: "http://proxy:"` +
		wantHost + "http://"},
	{"proxy with port 0", "[proxy]\nurl = \"http://proxy:0\"\n", `pump.toml:2: proxy.url: "http://proxy:0"` + wantHost +
		"http://"},
}

func TestBadValues(t *testing.T) { testBad(t, badValues) }

func TestGoodValues(t *testing.T) {
	for _, text := range []string{
		"listen = [\":8086\", \"127.0.0.1:80\", \"[::]:8088\", \"[::1%lo]:0\", \"host-1.example:1\", \"localhost:65535\"]",
		"listen = [\":0\", \":0\", \"127.0.0.1:0\"]\nadmin = \":0\"",
		"admin = \"\"",
		"admin = \"[::1]:8087\"",
		"admin_hosts = [\"pump.example\", \"PUMP\", \"192.0.2.1\"]\npprof = true",
		"admin_users = [\"ops:a-long-enough-one\"]",
		"trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"2001:db8::/32\"]",
		"redirect_404_to = \"mmsh://a.example:8086/streams/x?a=b\"",
		"redirect_404_to = \"https://[::1]/\"",
		"merge = \"0s\"",
		"merge = \"1s\"",
		"burst = \"0s\"\nmax_lag = \"1s\"",
		"burst = \"1m\"\nmax_lag = \"10m\"",
		"loops = 256\nmax_connections = 10_000_000",
		"user = \"nobody\"",
		"user = \"4000000:4000001\"",
		"[tls]\nlisten = []\nmin_version = \"1.3\"\nclient_ca = \"\"",
		"[timeouts]\nsource_idle = \"10s\"\nsource_grace = \"0s\"",
		"[proxy]\nurl = \"http://user:secret@[::1]:3128/\"\nfor_local = true",
		"[proxy]\nurl = \"http://proxy\"",
	} {
		if _, err := Parse([]byte("[server]\n"+text), "pump.toml"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	a, b := testCertificate(t), testCertificate(t)
	text := "[tls]\nlisten = [\":8089\"]\ncertificates = [{ cert = \"pump.crt\", key = \"KEY\" }]\n"
	load := func(key string) error {
		_, err := Parse([]byte(strings.ReplaceAll(text, "KEY", key)), filepath.Join(a.dir, "pump.toml"))
		return err
	}
	if err := load("pump.key"); err != nil {
		t.Errorf("good pair: %v", err)
	}
	if err := load(b.dir + "/pump.key"); err == nil || !strings.Contains(err.Error(), "private key does not match "+
		"public key") {
		t.Errorf("key of another certificate: got %v", err)
	}
	if err := load("pump.crt"); err == nil || !strings.Contains(err.Error(), "pump.toml:3: tls.certificates[0]: cert ") {
		t.Errorf("certificate as key: got %v", err)
	}
}

// A certPair is pump.crt and pump.key in a directory of their own.
type certPair struct{ dir string }

// testCertificate makes a self-signed certificate for localhost.
func testCertificate(t *testing.T) certPair {
	t.Helper()
	return testCertificateFor(t, -time.Hour, time.Hour)
}

// testCertificateFor is good between two times, as they are from now.
func testCertificateFor(t *testing.T, from, to time.Duration) certPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"pump.crt": {Type: "CERTIFICATE", Bytes: cert},
		"pump.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certPair{dir}
}
