package accesslog

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// visit is one whose line has something in every field.
func visit() *Visit {
	begun := time.Date(2026, 11, 27, 9, 59, 58, 500e6, time.FixedZone("", 3600))
	return &Visit{
		Begun: begun, Until: begun.Add(90*time.Second + 250*time.Millisecond),
		From: netip.MustParseAddrPort("192.0.2.1:5000"), Viewer: "ann", Host: "pump.example:8086", Path: "/streams/news",
		Agent: "NSPlayer/12.0.1 WMFSDK/12.0", Minor: 1, Dialect: "nsplayer_9", TLS: "TLSv1.3", Reason: "client_closed",
		Session: 77, Bytes: 3_610_000, Skips: 2, Lag: 1500 * time.Millisecond, Watching: 5,
	}
}

func TestLines(t *testing.T) {
	left, watching := visit(), visit()
	watching.Reason, watching.Viewer, watching.Host, watching.TLS, watching.Session = "", "", "", "", 0
	for _, c := range []struct {
		format string
		visit  *Visit
		want   string
	}{
		{"combined", left, `192.0.2.1 - ann [27/Nov/2026:09:59:58 +0100] "GET /streams/news HTTP/1.1" 200 3610000 "-" ` +
			`"NSPlayer/12.0.1 WMFSDK/12.0" host=pump.example:8086 port=5000 id=77 end=2026-11-27T10:01:28+01:00 ` +
			`seconds=90.250 dialect=nsplayer_9 tls=TLSv1.3 reason=client_closed skips=2 lag=1.500`},
		{"combined", watching, `192.0.2.1 - - [27/Nov/2026:09:59:58 +0100] "GET /streams/news HTTP/1.1" 102 3610000 "-" ` +
			`"NSPlayer/12.0.1 WMFSDK/12.0" host=- port=5000 id=0 end=2026-11-27T10:01:28+01:00 ` +
			`seconds=90.250 dialect=nsplayer_9 tls=- reason=- skips=2 lag=1.500`},
		{"json", left, `{"event":"left","start":"2026-11-27T09:59:58.5+01:00","end":"2026-11-27T10:01:28.75+01:00",` +
			`"seconds":90.25,"from":"192.0.2.1:5000","viewer":"ann","id":77,"host":"pump.example:8086",` +
			`"path":"/streams/news","agent":"NSPlayer/12.0.1 WMFSDK/12.0","dialect":"nsplayer_9","tls":"TLSv1.3",` +
			`"reason":"client_closed","bytes":3610000,"skips":2,"lag":1.5}`},
		{"json", watching, `{"event":"watching","start":"2026-11-27T09:59:58.5+01:00",` +
			`"end":"2026-11-27T10:01:28.75+01:00","seconds":90.25,"from":"192.0.2.1:5000","host":"",` +
			`"path":"/streams/news","agent":"NSPlayer/12.0.1 WMFSDK/12.0","dialect":"nsplayer_9","bytes":3610000,"skips":2,` +
			`"lag":1.5}`},
		{"w3c", left, "192.0.2.1 2026-11-27 08:59:58 - /streams/news 0 90 1 200 - 12.0.1 - NSPlayer/12.0.1_WMFSDK/12.0 " +
			"- - - - - - 0 0 320000 https TCP - - - 3610000 - - - - - - - - - - - - - pump.example:8086 5 - ann 77 - " +
			"https://pump.example:8086/streams/news - - - - 5000 2026-11-27 09:01:28 nsplayer_9 TLSv1.3 client_closed 2 1.500"},
		{"w3c", watching, "#Remark: 192.0.2.1 2026-11-27 08:59:58 - /streams/news 0 90 1 200 - 12.0.1 - " +
			"NSPlayer/12.0.1_WMFSDK/12.0 - - - - - - 0 0 320000 http TCP - - - 3610000 - - - - - - - - - - - - - - 5 - - - - " +
			"- - - - - 5000 2026-11-27 09:01:28 nsplayer_9 - - 2 1.500"},
	} {
		if got := string(formats[c.format].line(nil, c.visit)); got != c.want+"\n" {
			t.Errorf("%s:\n got %s\nwant %s", c.format, got, c.want)
		}
	}
}

// The first 52 are what analysers of Windows Media Services' logs know.
func TestW3CHeader(t *testing.T) {
	got := string(w3cHeader("pumpd v1", time.Date(2026, 11, 27, 10, 0, 0, 0, time.FixedZone("", 3600))))
	const want = "#Software: pumpd v1\n#Version: 1.0\n#Date: 2026-11-27 09:00:00\n#Fields: c-ip date time c-dns "
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %q", got)
	}
	if len(w3cFields) != 52+8 || w3cFields[51] != "s-proxied" {
		t.Errorf("%d fields, number 52 is %s", len(w3cFields), w3cFields[51])
	}
	known := map[string]bool{}
	for _, f := range w3cFields {
		known[f] = true
	}
	for f := range w3cValues(visit()) {
		if !known[f] {
			t.Errorf("%s has a value and no place", f)
		}
	}
}

// Whatever a stranger sends, it stays in its field of its line, and a terminal sees letters.
func FuzzInjection(f *testing.F) {
	for _, s := range []string{
		"a\nb", "a\r\n192.0.2.9 - - [x]", `a" 200 5 "`, `a\" b`, "#Fields: x", " a  b ", "\x1b[2J", "\u009b31m\u2028\u202e",
		"\xff\xc3", "😀", `{"event":"left"}`, "%0A", "\x00", "\x7f", "-", "",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		plain := visit()
		plain.Agent, plain.Host, plain.Viewer = "x", "x", "x"
		v := visit()
		v.Agent, v.Host, v.Viewer = a, b, a
		for name, form := range formats {
			line := string(form.line(nil, v))
			for i, c := range []byte(line) {
				if (c < ' ' || c >= 0x7F) && i != len(line)-1 {
					t.Fatalf("%s: byte %d is %#x: %q", name, i, c, line)
				}
			}
			if !strings.HasSuffix(line, "\n") || line[0] == '#' {
				t.Fatalf("%s: %q", name, line)
			}
			checkFields(t, name, line, string(form.line(nil, plain)))
		}
	})
}

// checkFields wants as many fields as another line has.
func checkFields(t *testing.T, name, line, other string) {
	t.Helper()
	switch name {
	case "json":
		var got jsonLine
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Path != "/streams/news" || got.Event != "left" {
			t.Fatalf("%v, %+v of %q", err, got, line)
		}
	case "w3c":
		if n := len(strings.Split(line, " ")); n != len(w3cFields) || strings.Contains(line, `"`) {
			t.Fatalf("%d fields: %q", n, line)
		}
	case "combined":
		if got, want := strings.Count(line, `"`), strings.Count(other, `"`); got != want {
			t.Fatalf("%d quotation marks, want %d: %q", got, want, line)
		}
		_, after, _ := strings.Cut(line[strings.LastIndex(line, `"`)+1:], " ")
		_, want, _ := strings.Cut(other[strings.LastIndex(other, `"`)+1:], " ")
		if strings.Count(after, " ") != strings.Count(want, " ") {
			t.Fatalf("behind the agent %q, want as many fields as %q", after, want)
		}
	}
}
