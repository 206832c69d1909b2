package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// canary is in every secret of the test, and in nothing that anybody may read.
const canary = "hunter2hunter2"

// canaries is a configuration with a secret in each key that takes one, most of which come to nothing: upstream answers
// everything with 401.
func canaries(dir, upstream, dead string) string {
	host := strings.TrimPrefix(upstream, "http://")
	return `view_satisfy = "any"
view_users = ["viewer:` + canary + `1"]
view_keys = ["` + canary + `2", "env:PUMPD_CANARY"]
auth_url = "http://me:` + canary + `3@` + dead + `/auth?token=` + canary + `"
push_users = ["encoder:` + canary + `4", "other:file:` + dir + `/secret", "third:env:PUMPD_CANARY"]
[[streams]]
path = "clip"
type = "file"
forward = ["http://me:` + canary + `5@` + host + `/streams/a_push?token=` + canary + `",
	"http://me:` + canary + `6@` + dead + `/a_push"]
[[streams]]
path = "one"
type = "mmsh_pull"
url = "mmsh://me:` + canary + `7@` + host + `/a?token=` + canary + `"
[[streams]]
path = "more"
type = "mmsh_pull"
urls = ["mmsh://me:` + canary + `8@` + dead + `/a", "env:PUMPD_CANARY_URL",
	"srv:me:` + canary + `9@_mmsh._tcp.invalid/a"]
[[streams]]
path = "pair"
type = "mmsh_pull"
pair = ["mmshs://me:` + canary + `@` + host + `/a", "mmsh://me:` + canary + `@` + dead + `/b"]
[[streams]]
path = "hash"
type = "mmsh_push"
push_users = ["encoder:$2y$04$` + (canary + canary + canary + canary)[:53] + `"]
[proxy]
url = "http://me:` + canary + `@` + host + `"
`
}

// Whatever goes wrong with a secret, it is in no log, error, answer, page, metric, profile or process title. A key that
// is new and takes one belongs into canaries.
func TestSecretsAreNowhere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "redirect") {
			http.Redirect(w, r, "/x?token="+canary, http.StatusFound)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer upstream.Close()
	t.Setenv("PUMPD_CANARY", canary)
	t.Setenv("PUMPD_CANARY_URL", upstream.URL+"/redirect?"+canary)
	text := pushStream("live") + canaries(dir, upstream.URL, refusing(t))
	seen := &bytes.Buffer{}
	const server = "log_level = \"debug\"\npprof = true\n"
	m := &mortal{config: filepath.Join(dir, "pump.toml"), listen: "127.0.0.1:0", more: server + text}
	t.Cleanup(func() { m.kill9() }) // it logs errors
	m.start(t)

	ask := func(method, url string, fields ...string) {
		t.Helper()
		fmt.Fprintf(seen, "\n%s %s: %s", method, strings.ReplaceAll(url, canary, "…"), answerTo(t, method, url, fields...))
	}
	const setup = "application/x-wms-pushsetup"
	for _, password := range []string{"x", canary + "4", canary + "wrong"} {
		for _, stream := range []string{"live", "hash", "one"} {
			ask("POST", m.url("http", stream)+"_push", "Content-Type", setup, "Authorization", basic("encoder", password))
		}
		ask("GET", m.url("http", "live")+"?token="+canary, "Authorization", basic("viewer", password), "User-Agent",
			"NSPlayer/9.0")
		ask("GET", m.url("http", "live")+"?e=99999999999&s="+canary)
	}
	for _, stream := range []string{"one", "more", "pair"} {
		ask("GET", m.url("http", stream), "User-Agent", "NSPlayer/9.0")
	}
	await := func(what string) {
		t.Helper()
		if !poll(patience, func() bool { return strings.Contains(m.out.tail(1000), what) }) {
			t.Fatalf("the log never says %q:\n%s", what, m.out.tail(50))
		}
	}
	await("upstream failed")
	await("refuses the credentials")
	await("stream=clip")

	// Reloads that are refused, with a line of the log each, and one that is not.
	was, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	for i, broken := range []string{
		text + "x = \"" + canary + "\"\n",
		strings.Replace(text, `"env:PUMPD_CANARY_URL"`, `"gopher://me:`+canary+`@host/"`, 1),
		strings.Replace(text, "$2y$04$", "$2y$99$", 1),
		strings.Replace(text, `"viewer:`, `":`, 1),
		strings.Replace(text, `"viewer:`, `viewer:`, 1),
		strings.Replace(text, `"viewer:`+canary, `"viewer`+canary, 1),
		text + "\n",
	} {
		whole := strings.Replace(string(was), text, broken, 1)
		if err := os.WriteFile(m.config+".new", []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(m.config+".new", m.config); err != nil {
			t.Fatal(err)
		}
		_, out := run(t, "-t", "-c", m.config)
		fmt.Fprintf(seen, "\n-t of %d: %s", i, out)
		before := strings.Count(m.out.tail(5000), "msg=\"reload")
		if err := m.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if !poll(patience, func() bool { return strings.Count(m.out.tail(5000), "msg=\"reload") > before }) {
			t.Errorf("reload %d is not in the log", i)
		}
	}

	for _, path := range []string{"/", "/api/status", "/metrics", "/healthz", "/readyz", "/debug/pprof/goroutine?debug=2",
		"/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		ask("GET", "http://"+m.admin+path)
	}
	for _, name := range []string{"cmdline", "comm", "status"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", m.cmd.Process.Pid, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(seen, "\n%s: %s", name, text)
	}
	fmt.Fprintf(seen, "\nlog:\n%s", m.out.tail(100_000))
	for line := range strings.Lines(seen.String()) {
		if strings.Contains(line, canary) {
			t.Errorf("shows a secret: %s", line)
		}
	}
	if n := seen.Len(); n < 10_000 {
		t.Errorf("only %d bytes were looked at", n)
	}
}

// answerTo is all of an answer, or what went wrong; of one that goes on, what comes in a second.
func answerTo(t *testing.T, method, url string, fields ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return strings.ReplaceAll(err.Error(), canary, "…") // the client's own words
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %v\n", answer.Status, answer.Header)
	if _, err := io.Copy(&b, io.LimitReader(answer.Body, 4<<20)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

func basic(user, password string) string {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// refusing is an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
