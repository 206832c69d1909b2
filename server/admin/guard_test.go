package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pumpd/server/config"
)

var paths = []string{
	"/", "/?a=b", "/api/status", "/api/streams/demo", "/api/streams/none", "/metrics", "/healthz", "/readyz",
	"/debug/pprof/",
	"/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1", "/debug/pprof/heap", "/debug/pprof/symbol",
	"/debug/pprof/trace?seconds=1", "/index.html",
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"}

// askAs asks by a name, as a browser would that says from which site it was made to ask.
func (r *rig) askAs(method, path, host string, sites ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	q := httptest.NewRequest(method, path, nil)
	q.Host = host
	q.Header["Sec-Fetch-Site"] = sites
	r.serve(w, q)
	return w
}

// Nothing is answered to a page that has got at our address by a name of its own, or asks across sites.
func TestRefusesOtherSites(t *testing.T) {
	r := newRigOf(t, func(c *config.Config) { c.Server.Pprof = true }, pushStream("demo", ""))
	r.begin("127.0.0.1:8086")
	for _, path := range paths {
		for _, method := range methods {
			w := r.askAs(method, path, "rebind.example:8087")
			if w.Code != 421 || !strings.Contains(w.Body.String(), "admin_hosts") || strings.Count(w.Body.String(), "\n") != 1 {
				t.Errorf("%s %s by another name: %d, %q, want 421 and a line with the key", method, path, w.Code, w.Body)
			}
			if w := r.askAs(method, path, "127.0.0.1:8087", "cross-site"); w.Code != 403 {
				t.Errorf("%s %s across sites: %d, %q, want 403", method, path, w.Code, w.Body)
			}
		}
	}
}

func TestHosts(t *testing.T) {
	r := newRigOf(t, func(c *config.Config) {
		c.Server.Admin = "Admin.example:8087"
		c.Server.AdminHosts = []string{"Pump.Example", "dotted.example."}
	})
	for _, c := range []struct {
		host string
		want int
	}{
		{"127.0.0.1", 200},
		{"192.0.2.1:8087", 200},
		{"[::1]", 200},
		{"[::1]:8087", 200},
		{"[fe80::1%25eth0]:8087", 200},
		{"localhost", 200},
		{"LOCALHOST:1", 200},
		{"localhost.:8087", 200},
		{"pump.example", 200},
		{"PUMP.example.:8087", 200},
		{"dotted.example:8087", 200},
		{"admin.example:8087", 200},

		{"", 421}, // in HTTP/1.1
		{":8087", 421},
		{".", 421},
		{"rebind.example", 421},
		{"pump.example.rebind.example", 421},
		{"x.pump.example", 421},
		{"ump.example", 421},
		{"localhost.rebind.example:8087", 421},
		{"xlocalhost", 421},
		{"127.0.0.1.rebind.example", 421},
		{"127.1", 421},
		{"2130706433", 421},
		{"0x7f000001", 421},
		{"127.0.0.1@rebind.example", 421},
		{"rebind.example:127.0.0.1", 421},
		{"[rebind.example]:8087", 421},
		{"pump.example:8087:8087", 421},
		{"localhost..", 421},
		{"<b>", 421},
	} {
		w := r.askAs("GET", "/healthz", c.host)
		if w.Code != c.want {
			t.Errorf("Host %q: %d, %q, want %d", c.host, w.Code, w.Body, c.want)
		}
		if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("Host %q: Content-Type %q", c.host, got)
		}
	}
	old := httptest.NewRequest("GET", "/healthz", nil)
	old.Host, old.Proto, old.ProtoMinor = "", "HTTP/1.0", 0
	w := httptest.NewRecorder()
	if r.serve(w, old); w.Code != 200 {
		t.Errorf("HTTP/1.0 without a host: %d, want 200", w.Code)
	}
}

func TestSites(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		sites []string
		want  int
	}{
		{nil, 200},
		{[]string{"none"}, 200}, // typed by hand
		{[]string{"same-origin"}, 200},
		{[]string{"cross-site"}, 403},
		{[]string{" Cross-Site"}, 403},
		{[]string{"none", "cross-site"}, 403},
	} {
		if w := r.askAs("GET", "/", "localhost", c.sites...); w.Code != c.want {
			t.Errorf("Sec-Fetch-Site %q: %d, want %d", c.sites, w.Code, c.want)
		}
	}
}

func TestProfilesAreOff(t *testing.T) {
	r := newRig(t)
	for _, path := range paths {
		if !strings.HasPrefix(path, "/debug/") {
			continue
		}
		if w := r.get(path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "pprof = true") {
			t.Errorf("%s: %d, %q, want 404 and the key", path, w.Code, w.Body)
		}
	}
	if page := r.get("/").Body.String(); strings.Contains(page, "pprof") {
		t.Error("the page links to profiles that are off")
	}
	on := newRigOf(t, func(c *config.Config) { c.Server.Pprof = true })
	if page := on.get("/").Body.String(); !strings.Contains(page, `href="debug/pprof/"`) {
		t.Error("the page has no link to the profiles")
	}
}
