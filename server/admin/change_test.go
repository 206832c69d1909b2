package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"pumpd/server/auth"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// The pump's loops, as far as the admin knows them: each question is noted.

func (r *rig) viewersNow(_ context.Context, q ViewerQuery) ([]Viewer, error) {
	r.asked = append(r.asked, q)
	return r.people[:min(len(r.people), q.Most)], nil
}

func (r *rig) kickNow(_ context.Context, k Kick) (int, error) {
	r.asked = append(r.asked, k)
	return len(r.people), nil
}

func (r *rig) banNow(_ context.Context, b bans.Ban) (int, error) {
	return 3, r.bans.Add(b, time.Now())
}

// newOpsRig has a user who may change things.
func newOpsRig(t *testing.T) *rig {
	r := newRigOf(t, func(c *config.Config) { c.Server.AdminUsers = []auth.Secret{"ops:correct horse"} },
		pushStream("demo", ""))
	r.begin("127.0.0.1:8086")
	return r
}

const (
	jsonMedia = "application/json"
	formMedia = "application/x-www-form-urlencoded"
)

// post asks for a change as that user does; with may change the request.
func (r *rig) post(path, media, body string, with func(*http.Request)) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	q.Host, q.RemoteAddr = "127.0.0.1:8087", "127.0.0.1:5000"
	q.Header.Set("Content-Type", media)
	q.SetBasicAuth("ops", "correct horse")
	if with != nil {
		with(q)
	}
	r.serve(w, q)
	return w
}

// Without admin_users nobody changes anything, and is told which key it takes.
func TestChangesWithoutUsers(t *testing.T) {
	r := newRig(t, pushStream("demo", ""))
	for _, to := range r.routes() {
		if to.method != http.MethodPost {
			continue
		}
		w := r.post(to.path, jsonMedia, "{}", nil)
		if w.Code != 403 || !strings.Contains(w.Body.String(), "admin_users") {
			t.Errorf("%s: %d %q, want 403 and the key", to.path, w.Code, w.Body)
		}
	}
	if r.drained > 0 || len(r.asked) > 0 {
		t.Error("something was changed all the same")
	}
}

// Every change wants the password, and a request that no other site has made.
func TestChangesAreGuarded(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*http.Request)
		want int
	}{
		{"no password", func(q *http.Request) { q.Header.Del("Authorization") }, 401},
		{"wrong password", func(q *http.Request) { q.SetBasicAuth("ops", "wrong") }, 401},
		{"somebody else", func(q *http.Request) { q.SetBasicAuth("root", "correct horse") }, 401},
		{"nonsense", func(q *http.Request) { q.Header.Set("Authorization", "Bearer x") }, 401},
		{"another site", func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"another port's", func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		{"another origin", func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") }, 403},
		{"another origin's port", func(q *http.Request) { q.Header.Set("Origin", "http://127.0.0.1:80") }, 403},
		{"no origin", func(q *http.Request) { q.Header.Set("Origin", "null") }, 403},
		{"another name", func(q *http.Request) { q.Host = "rebind.example" }, 421},
		{"text", func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 415},
		{"GET", func(q *http.Request) { q.Method = http.MethodGet }, 0},
		{"PUT", func(q *http.Request) { q.Method = http.MethodPut }, 405},
	} {
		r := newOpsRig(t)
		r.people = []Viewer{{}}
		for _, to := range r.routes() {
			if to.method != http.MethodPost {
				continue
			}
			w := r.post(to.path, jsonMedia, `{"x":"y"}`, c.with)
			if c.want != 0 && w.Code != c.want {
				t.Errorf("%s, %s: %d %q, want %d", c.name, to.path, w.Code, w.Body, c.want)
			}
			if w.Code == 401 && len(w.Header().Values("WWW-Authenticate")) == 0 {
				t.Errorf("%s: 401 without a challenge", to.path)
			}
		}
		if r.drained > 0 || len(r.asked) > 0 || r.level.Level() != slog.LevelInfo {
			t.Errorf("%s: something was changed all the same", c.name)
		}
	}
}

func TestChanges(t *testing.T) {
	id := ViewerID{1, 17, 12345}
	for _, c := range []struct {
		path, media, body string
		want              int
		has               string
	}{
		{"kick", jsonMedia, `{"stream":"demo"}`, 200, `"kicked": 1`},
		{"kick", jsonMedia, `{"viewer":"` + id.String() + `"}`, 200, `"kicked": 1`},
		{"kick", formMedia, "stream=demo&network=192.0.2.0/24", 200, `"kicked": 1`},
		{"kick", jsonMedia, `{"stream":"none"}`, 404, "not in the configuration"},
		{"kick", jsonMedia, `{"viewer":"1-2"}`, 400, "want an id"},
		{"kick", jsonMedia, `{"viewer":"1-2-3","stream":"demo"}`, 400, "want it alone"},
		{"kick", jsonMedia, `{"network":"x"}`, 400, "want an address or a network"},
		{"kick", jsonMedia, `{"stream":"demo"} {}`, 400, "something behind"},
		{"kick", jsonMedia, `{"steam":"demo"}`, 400, "want some of viewer, stream, network"},
		{"kick", jsonMedia, `{"stream":1}`, 400, "body"},
		{"kick", formMedia, "stream=demo&stream=b", 400, "2 times"},
		{"kick", formMedia, "steam=demo", 400, "unknown field"},
		{"kick", formMedia, ` {"stream":"demo"}`, 400, "want Content-Type: application/json"},
		{"kick", jsonMedia, `{"stream":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large"},
		{"bans", jsonMedia, `{"network":"192.0.2.9/24","for":"90m","why":"a flood"}`, 200, `"network": "192.0.2.0/24"`},
		{"bans", jsonMedia, `{"network":"192.0.2.1","until":"2999-01-01T00:00:00Z"}`, 400, "up to"},
		{"bans", jsonMedia, `{"network":"192.0.2.1"}`, 400, "either for or until"},
		{"bans", jsonMedia, `{"network":"192.0.2.1","for":"1h","until":"x"}`, 400, "either for or until"},
		{"bans", jsonMedia, `{"network":"192.0.2.1","for":"soon"}`, 400, "such as 90m"},
		{"bans", jsonMedia, `{"network":"192.0.2.1","until":"soon"}`, 400, "such as 2030"},
		{"bans", jsonMedia, `{"network":"0.0.0.0/0","for":"1h"}`, 400, "at least /8"},
		{"bans/remove", jsonMedia, `{"network":"192.0.2.1"}`, 404, "is not banned"},
		{"bans/remove", jsonMedia, `{"network":""}`, 400, "want an address"},
		{"reload", jsonMedia, "", 200, `"added"`},
		{"drain", formMedia, "", 200, `"seconds": 10`},
		{"log", jsonMedia, `{"level":"debug"}`, 200, `"level": "debug"`},
		{"log", jsonMedia, `{"level":"loud"}`, 400, "want debug, info"},
	} {
		r := newOpsRig(t)
		r.people = []Viewer{{}}
		w := r.post("/api/v1/"+c.path, c.media, c.body, nil)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %.80s: %d %q, want %d with %q", c.path, c.body, w.Code, w.Body, c.want, c.has)
		}
	}
}

// What comes when another process has just taken over is for that one, and nothing is changed here.
func TestChangesElsewhere(t *testing.T) {
	r := newOpsRig(t)
	r.people = []Viewer{{}}
	r.handed = true
	for path, body := range map[string]string{
		"kick": `{"stream":"demo"}`, "bans": `{"network":"192.0.2.1","for":"1h"}`,
		"bans/remove": `{"network":"192.0.2.1"}`, "drain": "{}",
	} {
		w := r.post("/api/v1/"+path, jsonMedia, body, nil)
		if w.Code != 503 || !strings.Contains(w.Body.String(), "ask again") {
			t.Errorf("%s: %d %q, want 503, and to be told to ask again", path, w.Code, w.Body)
		}
	}
	if r.drained > 0 || len(r.asked) > 0 || r.bans.Has(netip.MustParseAddr("192.0.2.1")) {
		t.Error("something was changed all the same")
	}
}

// What is changed is there afterwards, and its own page may ask for it.
func TestChangesCount(t *testing.T) {
	r := newOpsRig(t)
	own := func(q *http.Request) {
		q.Header.Set("Origin", "http://127.0.0.1:8087")
		q.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := r.post("/api/v1/bans", jsonMedia, `{"network":"192.0.2.1","for":"1h"}`, own)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"ended": 3`) {
		t.Fatalf("ban: %d %q", w.Code, w.Body)
	}
	if !r.bans.Has(netip.MustParseAddr("192.0.2.1")) {
		t.Error("the address is not banned")
	}
	if got := r.get("/api/v1/bans").Body.String(); !strings.Contains(got, `"network": "192.0.2.1/32"`) {
		t.Errorf("the list: %s", got)
	}
	if w := r.post("/api/v1/bans/remove", formMedia, "network=192.0.2.1/32", own); w.Code != 200 {
		t.Errorf("remove: %d %q", w.Code, w.Body)
	}
	r.post("/api/v1/log", jsonMedia, `{"level":"error"}`, own)
	if r.level.Level() != slog.LevelError || !strings.Contains(r.get("/api/v1/log").Body.String(), `"error"`) {
		t.Errorf("level %v, want error", r.level.Level())
	}
	r.refusal = errors.New("pump.toml:1: no")
	if w := r.post("/api/v1/reload", jsonMedia, "{}", own); w.Code != 409 || !strings.Contains(w.Body.String(), "toml:1") {
		t.Errorf("a reload that is refused: %d %q, want 409 and why", w.Code, w.Body)
	}
}

// Guesses are slowed down, and a right password from elsewhere is not.
func TestAdminGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOpsRig(t)
		begun := time.Now()
		r.s.Clock = clock.New()
		d := newDesk(r.s)
		refused := 0
		for range 12 {
			done := make(chan int, 1)
			for range 4 { // at once
				go func() {
					w := httptest.NewRecorder()
					q := httptest.NewRequest(http.MethodPost, "/api/v1/drain", nil)
					q.RemoteAddr = "192.0.2.1:5"
					q.SetBasicAuth("ops", "guess")
					d.admit(w, q)
					done <- w.Code
				}()
			}
			for range 4 {
				if <-done == 429 {
					refused++
				}
			}
		}
		if passed := time.Since(begun); passed < longestTurn || refused < 30 {
			t.Errorf("48 guesses took %v, %d were refused, want them slowed down", passed, refused)
		}
		w, q := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/v1/drain", nil)
		q.RemoteAddr = "198.51.100.1:5"
		q.SetBasicAuth("ops", "correct horse")
		before := time.Now()
		if _, ok := d.admit(w, q); !ok || time.Since(before) > 0 {
			t.Errorf("from elsewhere: %d after %v, want it let in at once", w.Code, time.Since(before))
		}
	})
}

// A hash of bcrypt's is compared with.
func TestAdminHash(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOf(t, func(c *config.Config) {
		c.Server.AdminUsers = []auth.Secret{auth.Secret("ops:" + string(hash))}
	}, pushStream("demo", ""))
	r.begin("127.0.0.1:8086")
	if w := r.post("/api/v1/drain", jsonMedia, "", nil); w.Code != 200 {
		t.Errorf("right password: %d %q, want 200", w.Code, w.Body)
	}
	wrong := func(q *http.Request) { q.SetBasicAuth("ops", "wrong") }
	if w := r.post("/api/v1/drain", jsonMedia, "", wrong); w.Code != 401 {
		t.Errorf("wrong password: %d %q, want 401", w.Code, w.Body)
	}
}

// Who makes many guesses at once is charged for each before it is compared, however long that takes.
func TestAdminHashGuessesCountAtOnce(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost+4)
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOf(t, func(c *config.Config) {
		c.Server.AdminUsers = []auth.Secret{auth.Secret("ops:" + string(hash))}
	}, pushStream("demo", ""))
	d := newDesk(r.s)
	gone, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for what comes of them
	for range 20 {
		q := httptest.NewRequestWithContext(gone, http.MethodPost, "/api/v1/drain", nil)
		q.RemoteAddr = "192.0.2.1:5"
		q.SetBasicAuth("ops", "guess")
		d.admit(httptest.NewRecorder(), q)
	}
	from := netip.MustParseAddr("192.0.2.1")
	if at, ok := d.record.Turn(0, from, r.s.Clock.Now()); ok && at.Since(r.s.Clock.Now()) <= 0 {
		t.Error("20 guesses at once, and the next need not wait")
	}
}

func TestViewersAreListed(t *testing.T) {
	r := newOpsRig(t)
	for i := range 3 {
		r.people = append(r.people, Viewer{ID: ViewerID{0, int32(i), 7}, Stream: "demo", Agent: "<b>",
			From: netip.MustParseAddrPort("192.0.2.1:5"), Age: time.Minute, Lag: 1500 * time.Millisecond, Dialect: "mmsh"})
	}
	w := r.get("/api/v1/streams/DEMO/viewers?limit=2&address=192.0.2.0/24&agent=vlc&behind=true&after=0-5-7")
	want := ViewerQuery{Stream: "DEMO", Network: netip.MustParsePrefix("192.0.2.0/24"), Agent: "vlc", Behind: true,
		After: ViewerID{0, 5, 7}, Most: 2}
	if len(r.asked) != 1 || r.asked[0] != want {
		t.Errorf("asked for %+v, want %+v", r.asked, want)
	}
	for _, has := range []string{
		`"next": "0-1-7"`, `"lag_seconds": 1.5`, `"address": "192.0.2.1:5"`, `"dialect": "mmsh"`,
	} {
		if !strings.Contains(w.Body.String(), has) {
			t.Errorf("want %s in %s", has, w.Body)
		}
	}
	if w := r.get("/api/v1/viewers"); strings.Contains(w.Body.String(), `"next"`) {
		t.Errorf("all on one page, and another is promised: %s", w.Body)
	}
	for query, code := range map[string]int{
		"limit=0": 400, "limit=1001": 400, "limit=x": 400, "after=x": 400, "after=1-2--3": 400, "address=x": 400,
		"behind=perhaps": 400, "limit=1000": 200, "agnt=vlc": 400,
	} {
		if w := r.get("/api/v1/viewers?" + query); w.Code != code {
			t.Errorf("%s: %d %q, want %d", query, w.Code, w.Body, code)
		}
	}
	if w := r.get("/api/v1/streams/none/viewers"); w.Code != 404 {
		t.Errorf("no such stream: %d, want 404", w.Code)
	}
}

func FuzzReadChange(f *testing.F) {
	f.Add(true, `{"network":"192.0.2.1","for":"1h"}`)
	f.Add(false, "network=192.0.2.1&for=1h")
	f.Add(true, `{"network":{}}`)
	f.Add(false, "network=%")
	f.Fuzz(func(t *testing.T, asJSON bool, body string) {
		media := formMedia
		if asJSON {
			media = jsonMedia
		}
		q := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(body)))
		q.Header.Set("Content-Type", media)
		var in banRequest
		if err := readChange(httptest.NewRecorder(), q, &in); err == nil && len(in.Network) > maxBody {
			t.Errorf("%d bytes were read", len(in.Network))
		}
	})
}

func FuzzViewerID(f *testing.F) {
	f.Add("0-17-5f3a")
	f.Add("0-17--1")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseViewerID(s)
		if err != nil {
			return
		}
		if again, err := parseViewerID(id.String()); err != nil || again != id {
			t.Errorf("%q: %v, then %v, %v", s, id, again, err)
		}
	})
}

// Who uses a wrong method is told which there are.
func TestMethodsOfTheAPI(t *testing.T) {
	r := newOpsRig(t)
	for path, want := range map[string]string{
		"/api/v1/bans": "GET, HEAD, POST", "/api/v1/kick": "POST", "/api/v1/streams": "GET, HEAD", "/": "GET, HEAD",
	} {
		w := r.ask(http.MethodDelete, path)
		if got := w.Header().Get("Allow"); w.Code != 405 || got != want || !strings.Contains(w.Body.String(), want) {
			t.Errorf("DELETE %s: %d, Allow %q, %q, want 405 and %q", path, w.Code, got, w.Body, want)
		}
	}
}
