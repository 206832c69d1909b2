package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/upstream"
)

const examplePath = "../../pump.toml.example"

func TestExampleIsTheDefaults(t *testing.T) {
	got, err := Load(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Server.AdminHosts, want.Server.ReadyStreams, want.Server.Siblings = []string{}, []string{}, []string{}
	want.Server.TrustedProxies = []string{}
	common := Stream{ForwardBuffer: Duration(30 * time.Second), ForwardLag: Duration(time.Minute),
		Failback: Duration(time.Minute), PairSwitch: Duration(500 * time.Millisecond),
		IdleClose: Duration(30 * time.Second), SlateAfter: Duration(3 * time.Second), FollowRedirects: upstream.FollowPublic,
		ViewSatisfy: "all", AuthFail: "closed", AuthTTL: Duration(30 * time.Second), AuthTimeout: Duration(3 * time.Second)}
	demo, push, pull := common, common, common
	demo.Path, demo.Title, demo.Enabled, demo.Type, demo.OnSecondPush = "demo", "Demo", true, "file", "takeover"
	demo.ViewUsers, demo.ViewFrom, demo.ViewKeys = []auth.Secret{}, []string{}, []auth.Secret{}
	push.Path, push.Title, push.Enabled, push.Type, push.OnSecondPush = "pushed_video", "Pushed video", true, "mmsh_push",
		"takeover"
	want.Server.AdminUsers = []auth.Secret{}
	push.PushUsers, push.PushFrom, push.PushCerts = []auth.Secret{}, []string{}, []string{}
	push.Forward, push.ForwardFingerprints = []string{}, []string{}
	pull.Path, pull.Title, pull.Enabled, pull.Type, pull.OnSecondPush = "pulled_video", "Pulled video", true, "mmsh_pull",
		"takeover"
	pull.URL = "mmsh://127.0.0.1:7070/"
	want.Streams = []Stream{demo, push, pull}
	want.Files = []string{examplePath}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", examplePath, got, want)
	}
}

// The defaults themselves: the example follows Default, and Default follows this.
func TestDefaults(t *testing.T) {
	want := &Config{
		Server: Server{Listen: []string{":8086"}, Admin: "127.0.0.1:8087", Merge: Merge{Auto: true},
			Burst: Burst{Auto: true}, MaxLag: Duration(10 * time.Second), Engine: "auto", StripPadding: true,
			LogLevel: "info", LogFormat: "text", AccessFormat: "combined", UplinkReserve: 500},
		Timeouts: Timeouts{RequestHead: Duration(10 * time.Second), Handshake: Duration(3 * time.Second),
			SourceIdle: Duration(time.Minute),
			PullStall:  Duration(15 * time.Second), PushSetup: Duration(2 * time.Minute),
			SourceGrace: Duration(30 * time.Second), Stall: Duration(20 * time.Second),
			Upgrade: Duration(30 * time.Second), UpgradeLinger: Duration(time.Hour)},
		TLS:   TLS{MinVersion: "1.2"},
		Files: []string{"pump.toml"},
	}
	got, err := Parse(nil, "pump.toml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("empty file:\n got %+v\nwant %+v", got, want)
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	present := map[string]bool{}
	table := ""
	header := regexp.MustCompile(`^#?\[+([a-z.]+)\]+$`)
	for _, line := range exampleLines(t) {
		if m := header.FindStringSubmatch(line); m != nil {
			table = m[1]
			if strings.Contains(line, "[[") {
				table += "[]"
			}
			present[m[1]] = true
		} else if key, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), " = "); ok {
			present[keyName(table, key)] = true
		}
		for _, key := range regexp.MustCompile(`[{,] ([a-z]+) = `).FindAllStringSubmatch(line, -1) {
			present[table+".certificates[]."+key[1]] = true
		}
	}
	for table, keys := range configKeys() {
		for _, key := range keys {
			if !present[keyName(table, key)] {
				t.Errorf("%s: no key %s in table %q", examplePath, key, table)
			}
		}
	}
}

// What is commented out must be right as well. A file of its own directory has the certificate that it names.
func TestExampleUncommented(t *testing.T) {
	comment := regexp.MustCompile(`^#(\[|[a-z_]+ = )`)
	var text strings.Builder
	for _, line := range exampleLines(t) {
		if comment.MatchString(line) {
			line = line[1:]
		}
		if strings.HasPrefix(line, "url = \"mmsh:") || strings.HasPrefix(line, "pair = ") {
			continue // urls stands in place of them
		}
		text.WriteString(line + "\n")
	}
	cert := testCertificate(t)
	got, err := Parse([]byte(text.String()), cert.dir+"/pump.toml")
	if err != nil {
		t.Fatal(err)
	}
	wantTLS := TLS{Listen: []string{":8089"}, MinVersion: "1.2",
		Certificates: []Certificate{{cert.dir + "/pump.crt", cert.dir + "/pump.key"}}}
	if !reflect.DeepEqual(got.TLS, wantTLS) {
		t.Errorf("tls: got %+v, want %+v", got.TLS, wantTLS)
	}
	if want := (Proxy{URL: "http://proxy:8080"}); got.Proxy != want {
		t.Errorf("proxy: got %+v, want %+v", got.Proxy, want)
	}
	if urls := got.Streams[2].URLs; len(urls) != 2 {
		t.Errorf("streams[2].urls: got %q, want two", urls)
	}
}

func exampleLines(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}

func TestDuration(t *testing.T) {
	for _, c := range []struct{ text, print string }{
		{"0s", "0s"},
		{"3s", "3s"},
		{"60s", "60s"},
		{"2m", "120s"},
		{"1h", "3600s"},
		{"100ms", "100ms"},
		{"1.5s", "1500ms"},
		{"-3s", "-3s"},
		{"250us", "250µs"},
		{"1m0.0001s", "1m0.0001s"},
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(c.text)); err != nil || d.String() != c.print {
			t.Errorf("Duration %q: got %v, %v, want %s", c.text, d, err, c.print)
		}
		want, _ := time.ParseDuration(c.text)
		if time.Duration(d) != want {
			t.Errorf("Duration %q: got %d ns, want %d", c.text, d, want)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		text, print string
		want        Merge
	}{
		{"auto", "auto", Merge{Auto: true}},
		{"0s", "0s", Merge{}},
		{"100ms", "100ms", Merge{Interval: Duration(100 * time.Millisecond)}},
	} {
		got := Merge{Auto: true}
		if err := got.UnmarshalText([]byte(c.text)); err != nil || got != c.want || got.String() != c.print {
			t.Errorf("Merge %q: got %+v (%v), %v, want %+v (%s)", c.text, got, got, err, c.want, c.print)
		}
	}
}
