package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
)

// A badConfig is a file and all that must be said about it.
type badConfig struct{ name, text, want string }

var badFiles = []badConfig{
	{"not TOML", "[server]\nlisten = [\":1\"\nadmin = \"\"\n",
		"pump.toml:3: server.listen[1]: expected a comma (',') or array terminator (']'), but got 'a'"},
	{"key twice", "[server]\nburst = \"1s\"\nburst = \"2s\"\n", "pump.toml:3: Key 'server.burst' has already been " +
		"defined."},
	{"UTF-16", "\xff\xfe[\x00", "pump.toml:1: not UTF-8, save the file in that encoding"},
	{"control character in a key", "\"a\\nb\" = 1\n",
		`pump.toml:1: "a\nb": unknown key, want one of server, timeouts, tls, proxy, streams`},
	{"too large", strings.Repeat("#", maxSize+1), "pump.toml: larger than 4194304 bytes"},

	{"lists in lists", "a = 1\nb = " + strings.Repeat("[", 1<<20), "pump.toml:2: nested more than 32 deep"},
	{"tables in tables", "a = " + strings.Repeat("{a=", 1<<20), "pump.toml:1: nested more than 32 deep"},
	{"names in names", "a" + strings.Repeat(".a", 1<<20) + " = 1\n", "pump.toml:1: nested more than 32 deep"},
	{"tables by header", "\n[a" + strings.Repeat(".a", 1<<20) + "]\n", "pump.toml:2: nested more than 32 deep"},
	{"lists in a table by header", "[a" + strings.Repeat(".a", 15) + "]\na = " + strings.Repeat("[", 20) +
		strings.Repeat("]", 20) + "\n",
		"pump.toml:1: a: unknown key, want one of server, timeouts, tls, proxy, streams"},

	{"unknown key", "[server]\nlisten = [\":1\"]\nlissten = []\n",
		`pump.toml:3: server.lissten: unknown key, did you mean "listen"?`},
	{"unknown key in a later stream", "[[streams]]\npath = \"a\"\ntype = \"file\"\n\n[[streams]]\npath = \"b\"\n" +
		"type = \"file\"\ntitel = \"B\"\n",
		`pump.toml:8: streams[1].titel: unknown key, did you mean "title"?`},
	{"key instead of type", "[[streams]]\npath = \"a\"\ntype = \"file\"\n\n[[streams]]\npath = \"b\"\ntyp = \"file\"\n",
		"pump.toml:5: streams[1].type: missing, want \"mmsh_push\", \"mmsh_pull\" or \"file\"\n" +
			`pump.toml:7: streams[1].typ: unknown key, did you mean "type"?`},
	{"key of another table", "[server]\nsource_idle = \"60s\"\n",
		`pump.toml:2: server.source_idle: unknown key, did you mean "source_idle" in [timeouts]?`},
	{"stream key above the streams", "path = \"a\"\n",
		`pump.toml:1: path: unknown key, did you mean "path" in [[streams]]?`},
	{"table as a key", "[streams.server]\nlisten = []\n",
		"pump.toml:1: streams: a table, want tables headed [[streams]]"},
	{"unknown table", "[sever]\nlisten = []\nadmin = \"\"\n", `pump.toml:1: sever: unknown key, did you mean "server"?`},
	{"upper case", "[server]\nListen = [\":1\"]\n", `pump.toml:2: server.Listen: unknown key, did you mean "listen"?`},
	{"nothing alike", "[proxy]\nbandwidth_limit = 3\n",
		"pump.toml:2: proxy.bandwidth_limit: unknown key, want one of url, for_local"},
	{"long key", "[proxy]\n" + strings.Repeat("a", 300) + " = 3\n",
		"pump.toml:2: proxy." + strings.Repeat("a", 194) + ": unknown key, want one of url, for_local"},
	{"unknown key in an inline table", "[tls]\ncertificates = [\n  { crt = \"a\" },\n]\n",
		"pump.toml:3: tls.certificates[0].cert: missing, want the name of a file\n" +
			"pump.toml:3: tls.certificates[0].crt: unknown key, did you mean \"cert\"?\n" +
			"pump.toml:3: tls.certificates[0].key: missing, want the name of a file"},

	{"number as duration", "[server]\nburst = 3\n",
		`pump.toml:2: server.burst: 3, want a duration such as "3s" or "100ms", or "auto"`},
	{"duration without unit", "[server]\nburst = \"3\"\n",
		`pump.toml:2: server.burst: "3", want a duration such as "3s" or "100ms", or "auto"`},
	{"list as duration", "[server]\nburst = []\n",
		`pump.toml:2: server.burst: a list, want a duration such as "3s" or "100ms", or "auto"`},
	{"date as duration", "[server]\nburst = 03:00:00\n",
		`pump.toml:2: server.burst: a date or time, want a duration such as "3s" or "100ms", or "auto"`},
	{"merge", "[server]\nmerge = \"Auto\"\n",
		`pump.toml:2: server.merge: "Auto", want "auto" or a duration such as "100ms"`},
	{"string as list", "[server]\nlisten = \":8086\"\n",
		`pump.toml:2: server.listen: ":8086", want a list of strings in brackets`},
	{"number in a list", "[server]\nlisten = [\":1\",\n8086]\n", "pump.toml:3: server.listen[1]: 8086, want a string " +
		"in quotes"},
	{"string as truth", "[server]\nstrip_padding = \"yes\"\n",
		`pump.toml:2: server.strip_padding: "yes", want true or false`},
	{"fraction", "[server]\nloops = 1.5\n", "pump.toml:2: server.loops: 1.5, want a whole number"},
	{"string as number", "[server]\nloops = \"2\"\n", `pump.toml:2: server.loops: "2", want a whole number`},
	{"truth as string", "[server]\nadmin = false\n", "pump.toml:2: server.admin: false, want a string in quotes"},
	{"number as table", "server = 1\n", "pump.toml:1: server: 1, want one table, headed [server]"},
	{"one stream in single brackets", "[streams]\npath = \"a\"\n", "pump.toml:1: streams: a table, want tables headed " +
		"[[streams]]"},
	{"stream that is a name", "streams = [\"demo\"]\n",
		`pump.toml:1: streams[0]: "demo", want a table headed [[streams]]`},
	{"certificates by name", "[tls]\ncertificates = [\"a.crt\"]\n",
		`pump.toml:2: tls.certificates[0]: "a.crt", want a table such as { cert = "pump.crt", key = "pump.key" }`},
	{"Latin-1", "[server]\n# gr\xfcn\n", "pump.toml:2: not UTF-8, save the file in that encoding"},
	{"server in double brackets", "[[server]]\n", "pump.toml:1: server: a list, want one table, headed [server]"},
	{"certificate without list", "[tls]\ncertificates = { cert = \"a\", key = \"b\" }\n",
		`pump.toml:2: tls.certificates: a table, want a list such as [{ cert = "pump.crt", key = "pump.key" }]`},

	{"many mistakes, in the order of the file", "[timeouts]\nstall = \"x\"\n[server]\nburst = \"61s\"\n" +
		"max_lag = \"70s\"\nlogs = 1\n",
		"pump.toml:2: timeouts.stall: \"x\", want a duration such as \"3s\" or \"100ms\"\n" +
			"pump.toml:4: server.burst: 61s, want 0s to 60s\n" +
			`pump.toml:6: server.logs: unknown key, did you mean "loops"?`},
}

func TestBadFiles(t *testing.T) { testBad(t, badFiles) }

func testBad(t *testing.T, cases []badConfig) {
	t.Helper()
	for _, c := range cases {
		cfg, err := Parse([]byte(c.text), "pump.toml")
		if err == nil {
			t.Errorf("%s: got %+v, want the error %s", c.name, cfg, c.want)
		} else if err.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, err, c.want)
		}
	}
}

// TOML has several ways to write a table, and all must give the same.
func TestTableStyles(t *testing.T) {
	for _, text := range []string{
		"[server]\nburst = \"1s\"\n[[streams]]\npath = \"a\"\ntype = \"file\"\n",
		"\uFEFF[server]\r\nburst = \"1s\"\r\n[[streams]]\r\npath = \"a\"\r\ntype = \"file\"\r\n",
		"server.burst = \"1s\"\nstreams = [{ path = \"a\", type = \"file\" }]\n",
		"streams = [\n{ path = \"a\", type = \"file\" },\n]\nserver = { \"burst\" = '1s' }\n",
	} {
		cfg, err := Parse([]byte(text), "pump.toml")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if cfg.Server.Burst != (Burst{Length: Duration(time.Second)}) || len(cfg.Streams) != 1 ||
			cfg.Streams[0].Path != "a" ||
			!cfg.Streams[0].Enabled {
			t.Errorf("%q: got %+v", text, cfg)
		}
	}
}

// Passwords must not get from a file into a terminal or log, however the file is broken.
func TestSecretsStaySecret(t *testing.T) {
	for _, text := range []string{
		pushTable + "push_users = [\"hunter2\"]\n",
		pushTable + "push_users = [\":hunter2\"]\n",
		pushTable + "push_users = [\"a:hunter2\", \"a:hunter2\"]\n",
		pushTable + "push_users = [\"a:hunter2\\u0000\"]\n",
		pushTable + "push_users = [\"a\\\"b:hunter2\"]\n",
		pushTable + "push_users = [\"a:hunter2" + strings.Repeat("2", 300) + "\"]\n",
		pushTable + "push_users = \"a:hunter2\"\n",
		pushTable + "push_users = { a = \"hunter2\" }\n",
		pushTable + "push_users = [[\"a:hunter2\"]]\n",
		pushTable + "push_users = a:hunter2\n",
		pushTable + "push_users = hunter2\n",
		pushTable + "push_users = [hunter2]\n",
		pushTable + "push_users = [\"a:b\",\nhunter2]\n",
		pushTable + "push_users = [\"a:hunter2\n",
		pushTable + "push_users = [\"a:hunter2\" \"b:c\"]\n",
		fileTable + "view_users = [\"hunter2\"]\n",
		fileTable + "view_keys = \"hunter2\"\n",
		fileTable + "view_keys = [\"hunter2\\n\"]\n",
		fileTable + "view_keys = [[\"hunter2\"]]\n",
		fileTable + "view_keys = [hunter2]\n",
		fileTable + "auth_url = [\"hunter2\"]\n",
		fileTable + "auth_url = \"ftp://a:hunter2@b/?hunter2\"\n",
		fileTable + "auth_url = \"http://a:hunter2@/\"\n",
		pushTable + "push_user = [\"a:hunter2\"]\n",
		pushTable + "url = \"http://a:hunter2@host/\"\n",
		pullTable + "url = \"hunter2://a:hunter2@host/\"\n",
		pullTable + "url = \"ftp://a:hunter2@host/\"\n",
		pullTable + "url = \"mmsh://a:hunter2@/\"\n",
		pullTable + "url = \"mmsh://a:hunter2@host:99999/\"\n",
		pullTable + "url = \"mmsh://a:/hunter2@host/\"\n",
		pullTable + "url = \"mmsh://a:?hunter2@host/\"\n",
		pullTable + "url = \"mmsh://a:%hunter2@host/\"\n",
		pullTable + "url = \"mmsh://a:hunter2 @host/\"\n",
		pullTable + "url = \"a:hunter2@host\"\n",
		pullTable + "url = \"ftp://host/?token=hunter2\"\n",
		pullTable + "url = http://a:hunter2@host/\n",
		pullTable + "url = \"http://a:hunter2@host/\n",
		pullTable + "url = [\"http://a:hunter2@host/\"]\n",
		pullTable + "urls = \"http://a:hunter2@host/\"\n",
		pullTable + "urls = [\"http://a:b@host/\", hunter2]\n",
		pullTable + "pair = \"http://a:hunter2@host/\"\n",
		pullTable + "pair = [\"http://a:b@host/\", \"ftp://a:hunter2@host/\"]\n",
		pullTable + "url = \"srv:a:hunter2@_mmsh._udp.host/\"\n",
		pullTable + "url = \"srv:a:hunter2@_mmsh._tcp.host:8/?hunter2\"\n",
		pullTable + "url = \"srv:_mmsh._udp.host/?token=hunter2\"\n",
		pullTable + "url = \"srv:hunter2@\"\n",
		"[proxy]\nurl = \"https://a:hunter2@host/\"\n",
		"[proxy]\nurl = \"http://a:hunter2@host/path\"\n",
		"[proxy]\nurl = http://a:hunter2@host/path\n",
		"[proxy]\nurl = hunter2\n",
	} {
		if _, err := Parse([]byte(text), "pump.toml"); err == nil {
			t.Errorf("%q: no error", text)
		} else if strings.Contains(strings.ReplaceAll(err.Error(), "hunter2://", ""), "hunter2") {
			t.Errorf("%q: the error shows the secret: %v", text, err)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "my.toml")
	if _, err := Load(name); err == nil || err.Error() != "open "+name+": no such file or directory" {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := Load(dir); err == nil || err.Error() != "read "+dir+": is a directory" {
		t.Errorf("directory: got %v", err)
	}
	text := "[[streams]]\npath = \"a\"\ntype = \"file\"\nfile = \"clip.asf\"\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	clip := filepath.Join(dir, "clip.asf")
	want := name + ":4: streams[0].file: stat " + clip + ": no such file or directory"
	if _, err := Load(name); err == nil || err.Error() != want {
		t.Errorf("missing media file:\n got %v\nwant %s", err, want)
	}
	if err := os.WriteFile(clip, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Streams[0].File != clip {
		t.Errorf("file: got %q, want %q, next to %s", cfg.Streams[0].File, clip, name)
	}
}

func FuzzConfig(f *testing.F) {
	if data, err := os.ReadFile(examplePath); err != nil {
		f.Fatal(err)
	} else {
		f.Add(string(data))
	}
	for _, table := range [][]badConfig{badFiles, badValues, badStreams} {
		for _, c := range table {
			f.Add(c.text[:min(len(c.text), 1000)])
		}
	}
	for _, c := range lineCases {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := Parse([]byte(text), "pump.toml")
		if err == nil {
			checkLoaded(t, cfg)
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "pump.toml:") {
				t.Errorf("line %q of the error does not begin with the file", line)
			}
		}
		var doc map[string]any
		text = strings.TrimPrefix(text, "\uFEFF")
		if lines, deep := findKeys(text); deep == 0 && toml.Unmarshal([]byte(text), &doc) == nil {
			checkLines(t, lines, 1+strings.Count(text, "\n"), "", doc)
		}
	})
}

// checkLoaded checks some of what the server relies on.
func checkLoaded(t *testing.T, cfg *Config) {
	t.Helper()
	paths := map[string]bool{}
	for _, s := range cfg.Streams {
		path := strings.ToLower(s.Path)
		if path == "" || paths[path] {
			t.Errorf("path %q: empty or not the first", s.Path)
		}
		paths[path] = true
		if n := len(s.Upstreams()); (s.Type == TypePull) != (n > 0) || len(s.Pair) > 0 && n != 2 {
			t.Errorf("%s %q: url %q, urls %q and pair %q", s.Type, s.Path, s.URL, s.URLs, s.Pair)
		}
	}
	for path := range paths {
		if paths[path+PushSuffix] {
			t.Errorf("path %q: there is one for its pushes as well", path)
		}
	}
	if cfg.Server.MaxLag <= cfg.Server.Burst.Length || cfg.Timeouts.SourceIdle < Duration(10*time.Second) {
		t.Errorf("out of range: %+v", cfg)
	}
}

// checkLines checks that findKeys found all that the TOML library did.
func checkLines(t *testing.T, lines keyLines, last int, name string, v any) {
	t.Helper()
	if line := lines[name]; name != "" && (line < 1 || line > last) {
		t.Errorf("%s: line %d, want 1 to %d", name, line, last)
	}
	for key, value := range asTable(v) {
		checkLines(t, lines, last, keyName(name, key), value)
	}
	for i, value := range asList(v) {
		checkLines(t, lines, last, Item(name, i), value)
	}
}

// What does not print does not get into an error, wherever it came from.
func TestOneLine(t *testing.T) {
	if got, want := OneLine("a\n\x1b\u0085\u009b\u2028\u202eb é"), "a      b é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An empty file is one that somebody is about to write, and no wish to have no streams.
func TestLoadEmpty(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pump.toml")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(name); err == nil || !strings.Contains(err.Error(), "pump.toml: the file is empty") {
		t.Error(err)
	}
	if _, _, err := Check(name, nil); err == nil {
		t.Error("and Check takes it")
	}
}

// Who signs URLs needs paths and view_keys, and who looks at another user's pump no more than to read the file; but
// what would be wrong for everybody is a mistake.
func TestLoadWithFewRights(t *testing.T) {
	dir := t.TempDir()
	const streams = "[[streams]]\npath = \"a\"\ntype = \"mmsh_push\"\nview_keys = [\"0123456789abcdef\"]\n"
	const elsewhere = "[server]\nstate_dir = \"none\"\naccess_log = \"none/log\"\nuser = \"nobody-of-that-name\"\n" +
		"[tls]\nlisten = [\":8089\"]\ncertificates = [{ cert = \"none.crt\", key = \"none.key\" }]\n" + streams +
		"push_users = [\"a:env:PUMPD_TEST_NOT_THERE\"]\n"
	path := write(t, dir, "pump.toml", elsewhere, 0o600)
	cfg, err := LoadToSign(path)
	if err != nil || len(cfg.Streams) != 1 || len(cfg.Streams[0].ViewKeys) != 1 {
		t.Errorf("%v, want what is needed to sign", err)
	}
	if _, err := LoadAsGuest(path); err == nil || !strings.Contains(err.Error(), "none.key: no such file") {
		t.Errorf("got %v, want what is wrong for everybody", err)
	}
	for _, c := range []struct{ text, want string }{
		{strings.Replace(streams, "\"a\"", "\"a/b\"", 1), "streams[0].path: "},
		{strings.Replace(streams, "0123456789abcdef", "file:none", 1), "streams[0].view_keys[0]: "},
		{streams + streams, "streams[1].path: "},
		{"[[streams", "pump.toml:1: "},
	} {
		path := write(t, dir, "pump.toml", c.text, 0o600)
		if _, err := LoadToSign(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}

	f, cfg := &document{name: "pump.toml", bad: map[string]bool{}}, Default()
	denied := &os.PathError{Op: "open", Path: "pump.key", Err: syscall.EACCES}
	f.wrong("tls.certificates[0].key", "%v", denied)
	f.wrong("streams[0].push_users[0]", "%v", denied)
	f.wrong("server.state_dir", "%v, want a directory", os.ErrNotExist)
	for i, want := range []bool{true, false, false} {
		if got := warnsGuest(cfg, f.errs[i]); got != want {
			t.Errorf("%q is a warning: %v, want %v", f.errs[i].text, got, want)
		}
	}
	const warning = "pump.toml: tls.certificates[0].key: open pump.key: permission denied (for this user)"
	if len(cfg.Warnings) != 1 || cfg.Warnings[0] != warning {
		t.Errorf("warnings %q, want %q", cfg.Warnings, warning)
	}
}
