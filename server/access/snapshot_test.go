package access

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pumpd/server/gobtest"
)

// moved is a caller of another process that knows what that of s does.
func (s *service) moved(t *testing.T, most int) *Caller {
	t.Helper()
	to := NewCaller(s.caller.Service, func(string, error) {})
	t.Cleanup(to.Close)
	for _, part := range gobtest.Passed(t, s.caller.Snapshots(most, time.Now())) {
		if len(part.Answers) > most || part.Service != s.caller.Service {
			t.Errorf("%d answers of %v, limit %d", len(part.Answers), part.Service, most)
		}
		if err := to.Restore(&part, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// What is known need not be asked again in the process that goes on, as long as it is good.
func TestAnswersMove(t *testing.T) {
	s := newService(t, time.Minute, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"reason": "paid", "user": "ann"}`))
	})
	const many = 25
	for i := range many {
		s.ask(t, Question{User: strconv.Itoa(i)})
	}
	for _, most := range []int{4, 5, many, 100} {
		s.caller = s.moved(t, most)
		for i := range many {
			a := s.ask(t, Question{User: strconv.Itoa(i)})
			if a.Callback != CallbackAllows || a.Why != "paid" || a.User != "ann" {
				t.Errorf("%d at a time: %+v", most, a)
			}
		}
		if n := s.asked.Load(); n != many {
			t.Errorf("%d at a time: %d were asked, want %d", most, n, many)
		}
	}
	later := time.Now().Add(2 * time.Minute)
	if _, known := s.caller.Ask(Question{User: "1"}, localhost, later, func(Answer) {}); known {
		t.Error("an answer is good for ever")
	}
	if list := s.caller.Snapshots(many, later); list != nil {
		t.Errorf("%d answers that are not good any more", len(list[0].Answers))
	}
}

// However many there are, no more are kept than ever, and none for longer.
func TestMovedAnswersAreBounded(t *testing.T) {
	c := NewCaller(Service{}, nil)
	defer c.Close()
	now := time.Now()
	var s Snapshot
	for i := range 3 * maxAnswers {
		s.Answers = append(s.Answers, KeptAnswer{key{byte(i), byte(i >> 8), byte(i >> 16)}, Answer{Callback: CallbackDenies},
			now.Add(1000 * time.Hour)})
	}
	if err := c.Restore(&s, now); err != nil {
		t.Fatal(err)
	}
	if n := len(c.known.young) + len(c.known.old); n > 2*maxAnswers {
		t.Errorf("%d answers, limit %d", n, 2*maxAnswers)
	}
	last := s.Answers[len(s.Answers)-1].Key
	if _, ok := c.known.find(last, now.Add(maxKeep)); !ok {
		t.Error("the newest is forgotten")
	}
	if _, ok := c.known.find(last, now.Add(maxKeep+1)); ok {
		t.Error("it is good for longer than any answer")
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		answer Answer
	}{
		{"allowed 1 to 3", Answer{}},
		{"allowed 1 to 3", Answer{Callback: CallbackFails}},
		{"why", Answer{Callback: CallbackDenies, Why: strings.Repeat("x", maxWhy+1)}},
		{"why", Answer{Callback: CallbackDenies, Why: "a\r\nSet-Cookie: b"}},
		{"user", Answer{Callback: CallbackAllows, User: "a b"}},
	} {
		r := NewCaller(Service{}, nil)
		s := Snapshot{Answers: []KeptAnswer{{sha256.Sum256(nil), c.answer, time.Now().Add(time.Minute)}}}
		if err := r.Restore(&s, time.Now()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.answer, err, c.want)
		}
		if r.Close(); r.known.young != nil {
			t.Error("what is refused is kept")
		}
	}
}
