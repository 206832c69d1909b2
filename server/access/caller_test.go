package access

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A service is the operator's, for tests: it counts what it is asked.
type service struct {
	*httptest.Server
	asked  atomic.Int64
	caller *Caller

	mu     sync.Mutex
	failed []string
}

func newService(t *testing.T, timeout, keep time.Duration, answer http.HandlerFunc) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer(w, r)
	}))
	url := strings.Replace(s.URL, "http://", "http://pump:hunter2@", 1) + "/?token=hunter2"
	s.caller = NewCaller(Service{URL: url, Timeout: timeout, Keep: keep}, func(path string, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed = append(s.failed, path+": "+err.Error())
	})
	t.Cleanup(func() {
		s.caller.Close()
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

var localhost = netip.MustParseAddr("127.0.0.1")

// ask waits for the answer.
func (s *service) ask(t *testing.T, q Question) Answer {
	t.Helper()
	from := localhost
	if q.Address != "" {
		from = netip.MustParseAddr(q.Address)
	}
	got := make(chan Answer, 1)
	if a, known := s.caller.Ask(q, from, time.Now(), func(a Answer) { got <- a }); known {
		return a
	}
	select {
	case a := <-got:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		return Answer{}
	}
}

func (s *service) failures() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.failed, "\n")
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// What is asked is JSON of all that is known, and credentials of the URL are shown as usual.
func TestQuestion(t *testing.T) {
	want := Question{Path: "/streams/demo", Address: someone, Agent: "NSPlayer/9\xff", User: "ann", Password: "x",
		Query: "e=1"}
	s := newService(t, time.Minute, 0, func(w http.ResponseWriter, r *http.Request) {
		var got map[string]string
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		if err := json.Unmarshal(body, &got); err != nil || r.Method != "POST" || user != "pump" || password != "hunter2" ||
			r.Header.Get("Content-Type") != "application/json" || got["path"] != want.Path || got["user"] != "ann" ||
			got["address"] != someone || got["agent"] != "NSPlayer/9\uFFFD" || got["password"] != "x" || got["query"] != "e=1" {
			t.Errorf("%s %v %s, %v", r.Method, r.Header, body, err)
		}
	})
	if a := s.ask(t, want); a.Callback != CallbackAllows {
		t.Errorf("%+v, want allowed", a)
	}
}

// An answer is good for as long as it says, and for nobody else.
func TestAnswersAreKept(t *testing.T) {
	s := newService(t, time.Minute, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "short") {
			io.WriteString(w, `{"ttl": 0}`)
		}
		if strings.Contains(string(body), "bad") {
			w.WriteHeader(403)
		}
	})
	for i, c := range []struct {
		q     Question
		asked int64
		want  Callback
	}{
		{Question{User: "ann"}, 1, CallbackAllows},
		{Question{User: "ann"}, 1, CallbackAllows},
		{Question{User: "ann", Address: someone}, 2, CallbackAllows},
		{Question{Query: "ann"}, 3, CallbackAllows},
		{Question{User: "short"}, 4, CallbackAllows},
		{Question{User: "short"}, 5, CallbackAllows},
		{Question{User: "bad"}, 6, CallbackDenies},
		{Question{User: "bad"}, 6, CallbackDenies},
	} {
		if a := s.ask(t, c.q); a.Callback != c.want || s.asked.Load() != c.asked {
			t.Errorf("%d: %+v after %d questions, want %d after %d", i, a, s.asked.Load(), c.want, c.asked)
		}
	}
	later := time.Now().Add(2 * time.Minute)
	if _, known := s.caller.Ask(Question{User: "ann"}, localhost, later, func(Answer) {}); known {
		t.Error("an answer is good for ever")
	}
}

// However many wait, the same is asked once.
func TestOneQuestionForAll(t *testing.T) {
	release := make(chan struct{})
	s := newService(t, time.Minute, 0, func(http.ResponseWriter, *http.Request) { <-release })
	var all sync.WaitGroup
	for range 100 {
		all.Add(1)
		if _, known := s.caller.Ask(Question{User: "ann"}, localhost, time.Now(), func(a Answer) {
			if a.Callback != CallbackAllows {
				t.Errorf("%+v, want allowed", a)
			}
			all.Done()
		}); known {
			t.Fatal("known before it was asked")
		}
	}
	close(release)
	all.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// A service that is slow costs neither goroutines nor memory without bounds, and is not asked any more for those whose
// time is over: here for all but those who are asked for at once.
func TestTooManyQuestions(t *testing.T) {
	const timeout = time.Hour
	release := make(chan struct{})
	s := newService(t, timeout, 0, func(http.ResponseWriter, *http.Request) { <-release })
	answers := make(chan Callback, 2*maxQueue)
	busy := 0
	for i := range 2 * maxQueue {
		from, at := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), time.Now()
		if i >= MostQuestions {
			at = at.Add(-timeout)
		}
		tell := func(a Answer) { answers <- a.Callback }
		if a, known := s.caller.Ask(Question{Query: fmt.Sprint(i)}, from, at, tell); known {
			if busy++; a.Callback != CallbackBusy {
				t.Fatalf("%+v, want busy", a)
			}
		}
	}
	if busy < maxQueue-MostQuestions {
		t.Errorf("%d were turned away, want at least %d", busy, maxQueue-MostQuestions)
	}
	close(release)
	got := map[Callback]int{}
	for range 2*maxQueue - busy {
		got[<-answers]++
	}
	if n := s.asked.Load(); n != MostQuestions || got[CallbackAllows] != MostQuestions ||
		got[CallbackFails] != 2*maxQueue-busy-MostQuestions {
		t.Errorf("%d questions, want %d; answers %v", n, MostQuestions, got)
	}
	s.caller.mu.Lock()
	defer s.caller.mu.Unlock()
	if len(s.caller.asked)+len(s.caller.queue)+s.caller.waiting+len(s.caller.origins) > 0 {
		t.Error("something is left")
	}
}

// Who asks for nonsense from one network does not keep others out.
func TestQuestionsOfOneNetwork(t *testing.T) {
	release := make(chan struct{})
	s := newService(t, time.Minute, 0, func(http.ResponseWriter, *http.Request) { <-release })
	var all sync.WaitGroup
	ask := func(from string, i int) (turnedAway bool) {
		all.Add(1)
		a, known := s.caller.Ask(Question{Query: fmt.Sprint(i)}, netip.MustParseAddr(from), time.Now(),
			func(Answer) { all.Done() })
		if known {
			all.Done()
		}
		return known && a.Callback == CallbackBusy
	}
	for i := range maxOrigin {
		if ask(fmt.Sprintf("2001:db8::%x", i), i%10) {
			t.Fatalf("question %d is turned away", i)
		}
	}
	if !ask("2001:db8::ffff", 0) || !ask("2001:db8::ffff", -1) {
		t.Error("a network has more than its share")
	}
	if ask("2001:db8:0:1::1", -2) {
		t.Error("the next network is turned away")
	}
	close(release)
	all.Wait()
	if ask("2001:db8::1", -3) {
		t.Error("its share is not given back")
	}
	all.Wait()
}

// Whatever is no answer fails, is not kept, and is told without what is secret.
func TestCallbackFailures(t *testing.T) {
	elsewhere := httptest.NewServer(status(200))
	defer elsewhere.Close()
	asJSON := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"down", "status 503", status(503)},
		{"overloaded", "status 429", status(429)},
		{"redirect", "status 302", http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP},
		{"no JSON", "body: ", asJSON(`{"allow": tru`)},
		{"wrong type", "body: ", asJSON(`{"allow": "yes"}`)},
		{"endless", "body: more than 4096 bytes", asJSON(strings.Repeat(" ", 5000))},
		{"hangs up", "EOF", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }},
		{"cut", "EOF", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "x")
			panic(http.ErrAbortHandler)
		}},
		{"slow", "no answer within 200ms", func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // else the server does not notice that the client has gone
			<-r.Context().Done()
		}},
	} {
		s := newService(t, 200*time.Millisecond, time.Minute, c.answer)
		if c.name != "slow" {
			s.caller.Timeout = time.Minute
		}
		for range 2 {
			a := s.ask(t, Question{Path: "/streams/demo", Password: "hunter2", Query: "s=hunter2"})
			if a != (Answer{Callback: CallbackFails}) {
				t.Errorf("%s: %+v, want that it fails", c.name, a)
			}
		}
		got := s.failures()
		if strings.Count(got, "/streams/demo: ") != 2 || !strings.Contains(got, c.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: told %q, want twice %q and no secrets", c.name, got, c.want)
		}
	}
	s := newService(t, time.Minute, time.Minute, status(200))
	s.Close()
	if a := s.ask(t, Question{}); a.Callback != CallbackFails || strings.Contains(s.failures(), "hunter2") {
		t.Errorf("refused: %+v, told %q", a, s.failures())
	}
}

func TestClosedCallerAsksNobody(t *testing.T) {
	s := newService(t, time.Minute, time.Minute, status(200))
	s.caller.Close()
	if a := s.ask(t, Question{}); a.Callback != CallbackFails || s.asked.Load() > 0 {
		t.Errorf("%+v after %d questions, want that it fails", a, s.asked.Load())
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var m answers
	now := time.Now()
	loved := key{1}
	m.add(loved, Answer{Callback: CallbackAllows, Keep: time.Hour}, now)
	for i := range 10 * maxAnswers {
		m.add(key{2, byte(i), byte(i >> 8), byte(i >> 16)}, Answer{Keep: time.Hour}, now)
		if _, ok := m.find(loved, now); !ok {
			t.Fatal("one that is looked for is forgotten")
		}
	}
	if n := len(m.young) + len(m.old); n > 2*maxAnswers {
		t.Errorf("%d answers, limit %d", n, 2*maxAnswers)
	}
}

func TestParseAnswer(t *testing.T) {
	for _, c := range []struct {
		status int
		media  string
		body   string
		want   Answer
	}{
		{200, "", "", Answer{CallbackAllows, "", "", 7}},
		{204, "", "", Answer{CallbackAllows, "", "", 7}},
		{200, "text/html", "<p>ok", Answer{CallbackAllows, "", "", 7}},
		{403, "application/json", "", Answer{CallbackDenies, "", "", 7}},
		{404, "text/plain", `{"allow": true}`, Answer{CallbackDenies, "", "", 7}},
		{401, "", "", Answer{CallbackPassword, "", "", 7}},
		{200, "application/json; charset=utf-8", `{"allow": true, "ttl": 1.5, "user": "ann", "more": [1]}`,
			Answer{CallbackAllows, "", "ann", 1500 * time.Millisecond}},
		{200, "application/json", `{"allow": false, "reason": "not\n paid\u202e", "user": "a b"}`,
			Answer{CallbackDenies, "not  paid ", "", 7}},
		{403, "application/json", `{"reason": "` + strings.Repeat("ä", 100) + `"}`,
			Answer{CallbackDenies, strings.Repeat("ä", 60), "", 7}},
		{401, "application/json", `{"allow": false}`, Answer{CallbackPassword, "", "", 7}},
		{200, "application/json", `{"ttl": -1}`, Answer{CallbackAllows, "", "", 0}},
		{200, "application/json", `{"ttl": 1e300}`, Answer{CallbackAllows, "", "", maxKeep}},
		{200, "application/json", `null`, Answer{CallbackAllows, "", "", 7}},

		{403, "application/json", `{"allow": true}`, Answer{Callback: CallbackFails}},
		{200, "application/json", `[]`, Answer{Callback: CallbackFails}},
		{200, "application/json", `{"ttl": "1"}`, Answer{Callback: CallbackFails}},
		{200, "application/json", `{} {}`, Answer{Callback: CallbackFails}},
		{301, "", "", Answer{Callback: CallbackFails}},
		{408, "", "", Answer{Callback: CallbackFails}},
		{500, "", "", Answer{Callback: CallbackFails}},
		{0, "", "", Answer{Callback: CallbackFails}},
	} {
		got, err := parseAnswer(c.status, c.media, []byte(c.body), 7)
		if got != c.want || (err != nil) != (got.Callback == CallbackFails) {
			t.Errorf("%d %s %s: got %+v, %v, want %+v", c.status, c.media, c.body, got, err, c.want)
		}
	}
}

// Nobody is let in by a status that says no, and what gets into replies and logs is one short line.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{`{"allow": true}`, `{"allow": false, "reason": "x\r\n\u202e", "user": "ann"}`,
		`{"ttl": 1e300}`, `{"ttl": -0.1}`, `{"ALLOW": true, "allow": false}`, `[`, ``, `null`} {
		f.Add(200, "application/json", []byte(body))
		f.Add(403, "application/json;x", []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		a, err := parseAnswer(status, media, body, time.Second)
		switch {
		case (err != nil) != (a.Callback == CallbackFails):
			t.Fatalf("%+v, %v", a, err)
		case a.Callback == CallbackAllows && (status < 200 || status > 299):
			t.Fatalf("status %d lets in", status)
		case a.Keep < 0 || a.Keep > maxKeep:
			t.Fatalf("keeps for %v", a.Keep)
		case len(a.Why) > maxWhy || strings.ContainsAny(a.Why, "\r\n"), a.User != "" && !isViewer(a.User):
			t.Fatalf("says %q, %q", a.Why, a.User)
		}
	})
}
