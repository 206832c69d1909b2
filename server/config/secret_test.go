package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const someHash = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// write makes a file of a test's directory.
func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsFromElsewhere(t *testing.T) {
	t.Setenv("PUMPD_TEST_SECRET", "from:the environment")
	t.Setenv("PUMPD_TEST_URL", "mmsh://me:hunter2@host/")
	dir := t.TempDir()
	write(t, dir, "one", "from the file\n", 0o600)
	write(t, dir, "windows", "from windows\r\n", 0o600)
	write(t, dir, "url", "http://me:hunter2@proxy:3128\n", 0o600)
	text := "[proxy]\nurl = \"file:url\"\n" + pushTable +
		"push_users = [\"a:env:PUMPD_TEST_SECRET\", \"b:file:one\", \"c:file:" + dir + "/windows\",\n" +
		"\"d:" + someHash + "\"]\n" +
		strings.Replace(pullTable, `"a"`, `"b"`, 1) + "urls = [\"env:PUMPD_TEST_URL\", \"mms://b\"]\n" +
		strings.Replace(pullTable, `"a"`, `"c"`, 1) + "url = \"env:PUMPD_TEST_URL\"\n"
	parse := func() *Config {
		t.Helper()
		c, err := Parse([]byte(text), filepath.Join(dir, "pump.toml"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := parse()
	for i, want := range []string{"a:from:the environment", "b:from the file", "c:from windows", "d:" + someHash} {
		if got := string(c.Streams[0].PushUsers[i]); got != want {
			t.Errorf("push_users[%d]: %q, want %q", i, got, want)
		}
	}
	const url = "mmsh://me:hunter2@host/"
	if c.Streams[1].URLs[0] != url || c.Streams[2].URL != url || c.Proxy.URL != "http://me:hunter2@proxy:3128" {
		t.Errorf("%q, %q, %q", c.Streams[1].URLs, c.Streams[2].URL, c.Proxy.URL)
	}
	write(t, dir, "one", "another", 0o600)
	if got := parse().Streams[0].PushUsers[1]; got != "b:another" {
		t.Errorf("read again: %q", string(got))
	}
}

// Whoever gives root's rights up wants to know what will be read again.
func TestFilesOfTheConfiguration(t *testing.T) {
	cert := testCertificate(t)
	for _, file := range []string{"ca.pem", "clip.asf", "secret"} {
		text, err := os.ReadFile(cert.dir + "/pump.crt")
		if err != nil {
			t.Fatal(err)
		}
		write(t, cert.dir, file, string(text), 0o600)
	}
	write(t, cert.dir, "secret", "correct horse", 0o600)
	text := "[tls]\nclient_ca = \"ca.pem\"\ncertificates = [{ cert = \"pump.crt\", key = \"pump.key\" }]\n" +
		pushTable + "slate = \"clip.asf\"\npush_users = [\"a:file:secret\"]\n"
	c, err := Parse([]byte(text), cert.dir+"/pump.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"ca.pem", "pump.crt", "pump.key", "clip.asf", "secret", "pump.toml"} {
		if !slices.Contains(c.Files, filepath.Join(cert.dir, file)) {
			t.Errorf("%s is not among %q", file, c.Files)
		}
	}
}

func TestSecretsThatAreNotThere(t *testing.T) {
	t.Setenv("PUMPD_TEST_EMPTY", "")
	dir := t.TempDir()
	write(t, dir, "empty", "\n", 0o600)
	write(t, dir, "large", strings.Repeat("hunter2", 1000), 0o600)
	write(t, dir, "lines", "hunter2\nhunter2\n", 0o600)
	write(t, dir, "word", "hunter2", 0o600)
	at := dir + "/pump.toml:4: streams[0]."
	for value, want := range map[string]string{
		"env:PUMPD_TEST_NONE":  `the environment has no variable "PUMPD_TEST_NONE"`,
		"env:":                 `the environment has no variable ""`,
		"env:PUMPD_TEST_EMPTY": `the environment's variable "PUMPD_TEST_EMPTY" is empty`,
		"file:":                `"file:", want the name of a file after it`,
		"file:none":            "stat " + dir + "/none: no such file or directory",
		"file:empty":           dir + "/empty: nothing in its first line",
		"file:large":           dir + "/large: larger than 4096 bytes",
		"file:/dev/zero":       "/dev/zero: not an ordinary file",
		"file:lines":           "the value, want a name without quotes and backslashes, and no control characters",
		"$2y$10$hunter2":       "what begins like a bcrypt hash is none, want all of its 60 characters",
	} {
		_, err := Parse([]byte(pushTable+"push_users = [\"a:"+value+"\"]\n"), dir+"/pump.toml")
		if want := at + "push_users[0]: " + want; err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", value, err, want)
		}
	}
	for whole, want := range map[string]string{
		"env:A_LONG_NAME": `"env:…" stands for a secret and not for a whole user, want "name:env:…"`,
		"file:word":       `"file:…" stands for a secret and not for a whole user, want "name:file:…"`,
	} {
		_, err := Parse([]byte(pushTable+"push_users = [\""+whole+"\"]\n"), dir+"/pump.toml")
		if want := at + "push_users[0]: " + want; err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", whole, err, want)
		}
	}
	_, err := Parse([]byte(pullTable+"url = \"file:word\"\n"), dir+"/pump.toml")
	if want := at + "url: what is in file:word is no URL"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What everybody on the machine can read is warned of when the configuration is loaded, what can be guessed when it is
// checked. A file without secrets may be read by all.
func TestWarningsOfSecrets(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "open", "correct horse\n", 0o644)
	write(t, dir, "group", "correct horse\n", 0o640)
	at := dir + "/pump.toml:4: streams[0].push_users[0]: "
	const users = pushTable + "push_users = [\"encoder:"
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		load, more []string
	}{
		{"nothing secret", pushTable, 0o644, nil, nil},
		{"hidden", users + "correct horse\"]\n", 0o640, nil, nil},
		{"open", users + "correct horse\"]\n", 0o644,
			[]string{dir + "/pump.toml: others can read " + dir + "/pump.toml and the secrets in it (mode 0644), " +
				"want 0600, or 0640 for a group"}, nil},
		{"URL", pullTable + "url = \"mmsh://a:b@c/\"\n", 0o604,
			[]string{dir + "/pump.toml: others can read " + dir + "/pump.toml and the secrets in it (mode 0604), " +
				"want 0600, or 0640 for a group"}, nil},
		{"file", users + "file:open\"]\n", 0o644,
			[]string{at + "others can read " + dir + "/open and the secrets in it (mode 0644), want 0600, or 0640 for " +
				"a group"}, nil},
		{"file of a group", users + "file:group\"]\n", 0o644, nil, nil},
		{"short", users + "secret1\"]\n", 0o600, nil,
			[]string{at + `the password of "encoder" has less than 8 characters`}},
		{"name", strings.Replace(users, "encoder", "Windows Media", 1) + "windows media\"]\n", 0o600, nil,
			[]string{at + `the password of "Windows Media" is the name`}},
		{"digits", users + "12345678\"]\n", 0o600, nil,
			[]string{at + `the password of "encoder" is one of the first that somebody would try`}},
		{"a letter", users + "aaaaAAAA\"]\n", 0o600, nil,
			[]string{at + `the password of "encoder" is one of the first that somebody would try`}},
		{"the word", users + "Password1\"]\n", 0o600, nil,
			[]string{at + `the password of "encoder" is one of the first that somebody would try`}},
		{"hash", users + someHash + "\"]\n", 0o600, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, dir, "pump.toml", c.text, c.mode)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			cfg, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(cfg.Warnings, "\n"), strings.Join(c.load, "\n"); got != want {
				t.Errorf("loaded:\n got %s\nwant %s", got, want)
			}
			_, all, err := Check(path, func(string) (string, error) { return "", nil })
			if got, want := strings.Join(all, "\n"), strings.Join(append(c.load, c.more...), "\n"); got != want || err != nil {
				t.Errorf("checked: %v\n got %s\nwant %s", err, got, want)
			}
			if strings.Contains(strings.Join(all, "\n"), "horse") {
				t.Errorf("%q shows the password", all)
			}
		})
	}
}

// A closer look sees what can be loaded, and is hardly meant.
func TestCloserLook(t *testing.T) {
	const tls = "[tls]\ncertificates = [{ cert = \"pump.crt\", key = \"pump.key\" }]\n"
	const here = `, is this pump itself, which listens on ":8086" and refuses that`
	for _, c := range []struct {
		name     string
		from, to time.Duration // the certificate
		text     string
		want     string // behind the file's name; "": nothing
	}{
		{"good", -time.Hour, time.Hour, tls, ""},
		{"ended", -2 * time.Hour, -time.Hour, tls, ":2: tls.certificates[0].cert: \"DIR/pump.crt\" ended on " +
			day(time.Now().Add(-time.Hour))},
		{"not yet", time.Hour, 2 * time.Hour, tls, ":2: tls.certificates[0].cert: \"DIR/pump.crt\" is good from " +
			day(time.Now().Add(time.Hour)) + " on"},
		{"another pump", -time.Hour, time.Hour, pullTable + "url = \"mmsh://127.0.0.1:8087/\"\n", ""},
		{"itself", -time.Hour, time.Hour, pullTable + "url = \"mmsh://u:secret@localhost:8086/streams/b\"\n",
			`:4: streams[0].url: "mmsh://…@localhost:8086/streams/b"` + here},
		{"itself in a list", -time.Hour, time.Hour, pullTable + "urls = [\"mms://192.0.2.1\",\n\"http://[::1]:8086/b\"]\n",
			`:5: streams[0].urls[1]: "http://[::1]:8086/b"` + here},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := testCertificateFor(t, c.from, c.to)
			path := write(t, pair.dir, "pump.toml", c.text, 0o600)
			cfg, all, err := Check(path, func(string) (string, error) { return "", nil })
			if err != nil || len(cfg.Warnings) > 0 {
				t.Fatalf("%v, %q", err, cfg.Warnings)
			}
			want := strings.ReplaceAll(c.want, "DIR", pair.dir)
			if want != "" {
				want = path + want
			}
			all = slices.DeleteFunc(all, func(s string) bool { return strings.Contains(s, "no stream is enabled") })
			if got := strings.Join(all, "\n"); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// Passwords of the admin are warned of where others can listen in.
func TestWarningOfAdminInTheClear(t *testing.T) {
	cert := testCertificate(t)
	const users = "admin_users = [\"ops:correct horse\"]\n"
	const tables = "[tls]\ncertificates = [{ cert = \"pump.crt\", key = \"pump.key\" }]\n"
	for _, c := range []struct {
		name, server string
		want         bool
	}{
		{"this machine", users, false},
		{"this machine by name", "admin = \"localhost:8087\"\n" + users, false},
		{"this machine by IPv6", "admin = \"[::1]:8087\"\n" + users, false},
		{"nobody may change", "admin = \":8087\"\n", false},
		{"none", "admin = \"\"\n" + users, false},
		{"all addresses", "admin = \":8087\"\n" + users, true},
		{"an address", "admin = \"192.0.2.1:8087\"\n" + users, true},
		{"a name", "admin = \"pump.example:8087\"\n" + users, true},
		{"TLS", "admin = \":8087\"\nadmin_tls = true\n" + users, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, cert.dir, "pump.toml", "[server]\n"+c.server+tables, 0o600)
			cfg, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			const told = "server.admin_users: passwords cross the network in the clear"
			if got := strings.Contains(strings.Join(cfg.Warnings, "\n"), told); got != c.want {
				t.Errorf("warnings %q, want that of admin_users: %v", cfg.Warnings, c.want)
			}
		})
	}
}
