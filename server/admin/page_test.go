package admin

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

func TestPage(t *testing.T) {
	r := newRig(t, pushStream("live", "Live <script>alert('x')</script>"),
		pushStream("lost", `"><img src=x onerror=y>`), pushStream("idle", ""),
		config.Stream{Path: "clip", Title: "Clip & co", Type: config.TypeFile})
	r.begin("[::]:8086")
	r.feed(0, stream.Push, "192.0.2.1:5", 25)
	r.feed(1, stream.Push, "192.0.2.2:5", 1).Lost(io.EOF)
	r.feed(3, stream.File, "/films/<b>.wmv", 1)
	st := r.s.Streams.Streams()[0].Stats()
	st.Viewers.Store(1234)
	st.Left[reason.Stalled].Store(7)
	all := r.get("/").Body.String()
	page := all + r.get("/stream/live").Body.String() + r.get("/stream/lost").Body.String()
	for _, want := range []string{
		">Live &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</a>",
		"<h1>&#34;&gt;&lt;img src=x onerror=y&gt;</h1>",
		">Clip &amp; co</a>",
		`<tr class="live">`, `<tr class="orphaned">`, `<tr class="idle">`, `<article class="orphaned">`,
		"lost · mmsh_push", "no encoder",
		"push from 192.0.2.1:5",
		"file from /films/&lt;b&gt;.wmv",
		`viewers wait 30 s more`,
		"<dd>1,234</dd>",
		"left: stalled 7",
		`<a href="mmsh://127.0.0.1:8086/streams/live">mmsh://127.0.0.1:8086/streams/live</a>`,
		`<a href="http://127.0.0.1:8086/streams/live">`,
		"http://127.0.0.1:8086/streams/live_push",
		"v1.2.3 · ready",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if !strings.Contains(all, "<dt>viewers</dt><dd>1,234</dd>") {
		t.Error("the overview does not say how many watch")
	}
	if lost, live, idle := strings.Index(all, `"orphaned"`), strings.Index(all, `"live"`),
		strings.Index(all, `"idle"`); lost > live || live > idle {
		t.Error("the worst is not at the top")
	}
	for _, mustNot := range []string{"alert('x')", "<img", "<b>.wmv", "ZgotmplZ", "clip_push", "%!"} {
		if strings.Contains(page, mustNot) {
			t.Errorf("%q in the page", mustNot)
		}
	}
	// Nothing that a browser would fetch from elsewhere: every URL is one of a stream.
	for _, url := range regexp.MustCompile(`\w+://[^"<\s]+`).FindAllString(page, -1) {
		if !regexp.MustCompile(`^(mmsh|http)://127\.0\.0\.1:8086/streams/`).MatchString(url) {
			t.Errorf("%s in the page", url)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPageWithoutStreams(t *testing.T) {
	r := newRig(t)
	if page := r.get("/").Body.String(); !strings.Contains(page, "No stream is configured.") || !strings.Contains(page,
		"starting") {
		t.Errorf("got %s", page)
	}
}

// The policy must fit what is in the page to the letter, or the page has no style and does not refresh.
func TestPagePolicy(t *testing.T) {
	w := newRig(t).get("/")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, tag := range []string{"style", "script"} {
		m := regexp.MustCompile("(?s)<"+tag+">(.*?)</"+tag+">").FindAllStringSubmatch(w.Body.String(), -1)
		if len(m) != 1 || len(m[0][1]) < 100 {
			t.Fatalf("%s: %q, want one", tag, m)
		}
		if want := fmt.Sprintf(" %s-src '%s';", tag, policyHash(m[0][1])); !strings.Contains(policy, want) {
			t.Errorf("policy %q, want %q in it", policy, want)
		}
	}
}

func TestPageCount(t *testing.T) {
	for n, want := range map[any]string{
		0: "0", int64(7): "7", uint64(999): "999", 1000: "1,000", 1234567: "1,234,567", -123: "-123", -1234: "-1,234",
		uint64(1<<64 - 1): "18,446,744,073,709,551,615",
	} {
		if got := count(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}

func TestPageScaled(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.00 kB", 1234: "1.23 kB", 9994: "9.99 kB", 9996: "10.00 kB",
		12345:  "12.3 kB",
		123456: "123 kB", 999_499: "999 kB", 999_600: "1.00 MB", 1e9: "1.00 GB", 1.5e13: "15.0 TB", 1.8e19: "18.0 EB",
	} {
		if got := scaled(v, "B"); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func TestPageDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0.0 s", 0.04: "0.0 s", 9.84: "9.8 s", 10: "10 s", 59.9: "59 s", 60: "1 min 0 s", 3599: "59 min 59 s",
		3600:  "1 h 0 min",
		86399: "23 h 59 min", 86400: "1 d 0 h", 1e7: "115 d 17 h",
	} {
		if got := duration(seconds); got != want {
			t.Errorf("%v: %q, want %q", seconds, got, want)
		}
	}
}

// A reload that was refused is on top of the page with its reason, and so is what waits for a restart.
func TestPageTellsOfReloads(t *testing.T) {
	r := newRig(t)
	r.begin("127.0.0.1:8086")
	const refused, waits = "The last reload was refused", "count from the next start on: <code>server.loops</code>"
	if page := r.get("/").Body.String(); strings.Contains(page, refused) || strings.Contains(page, "next start") {
		t.Error("the page complains about nothing")
	}
	r.reload = Reload{Error: "pump.toml:1: <b>", Restart: []string{"server.loops"}}
	page := r.get("/").Body.String()
	for _, want := range []string{refused, "pump.toml:1: &lt;b&gt;", waits} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}
