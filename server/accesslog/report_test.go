package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A deskRig is a desk, and who has been written.
type deskRig struct {
	desk
	now     time.Time
	written []string // viewer, and what was reported
}

func (r *deskRig) write(v *Visit) {
	r.written = append(r.written, fmt.Sprint(v.Viewer, v.report["c-quality"]))
}

// leave has a visit end; it is written where the desk does not keep it.
func (r *deskRig) leave(who string, session uint32, reports bool) {
	v := visit()
	v.Viewer, v.Session, v.Reports = who, session, reports
	if !r.keep(v, r.now, r.write) {
		r.write(v)
	}
}

func (r *deskRig) say(session uint32, quality int) {
	r.report(&Report{session, map[string]any{"c-quality": quality}}, r.now, r.write)
}

func (r *deskRig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.expire(r.now, r.write)
}

func (r *deskRig) want(t *testing.T, when string, written ...string) {
	t.Helper()
	if got, want := strings.Join(r.written, " "), strings.Join(written, " "); got != want {
		t.Errorf("%s: %s written, want %s", when, got, want)
	}
	r.written = nil
}

func TestReportsMeetVisits(t *testing.T) {
	r := &deskRig{now: time.Unix(1_800_000_000, 0)}
	r.leave("ann", 1, true)
	r.want(t, "before the report")
	r.say(1, 97)
	r.want(t, "with the report", "ann97")
	r.say(1, 98) // once more
	r.pass(reportTime)
	r.want(t, "later")

	r.say(2, 80)
	r.leave("bob", 2, true)
	r.want(t, "with a report from before", "bob80")
	r.leave("old", 3, false)
	r.say(4, 70)
	r.leave("old", 4, false)
	r.leave("raw", 0, true)
	r.want(t, "players that do not report", "old<nil>", "old70", "raw<nil>")

	r.pass(reportTime)
	r.leave("eve", 5, true)
	r.pass(time.Second)
	r.leave("dan", 6, true)
	r.pass(reportTime - time.Second)
	r.want(t, "nothing has come", "eve<nil>")
	r.pass(time.Second)
	r.want(t, "nothing has come for the other", "dan<nil>")
	if r.due != nil || len(r.visits)+len(r.early)+len(r.queue) > 0 {
		t.Errorf("%d visits, %d reports, %d deadlines are left", len(r.visits), len(r.early), len(r.queue))
	}

	r.leave("joe", 7, true)
	r.leave("kim", 7, true)
	r.want(t, "another visit of the session", "joe<nil>")
	r.say(7, 60)
	r.want(t, "which has the report", "kim60")
	r.leave("liz", 8, true)
	r.clear(r.write)
	r.want(t, "at the end", "liz<nil>")
}

// Whoever comes and goes all the time does not fill the memory.
func TestReportsAreBounded(t *testing.T) {
	r := &deskRig{now: time.Unix(1_800_000_000, 0)}
	for i := range uint32(maxAwaiting) {
		r.say(1+i, 1)
	}
	r.leave("ann", maxAwaiting+1, true)
	r.say(maxAwaiting+2, 1)
	if r.want(t, "one too many", "ann<nil>"); len(r.early) != maxAwaiting {
		t.Errorf("%d reports wait, want %d", len(r.early), maxAwaiting)
	}
}

// What players say stands in the lines whose format has room for it, and in no other.
func TestReportLines(t *testing.T) {
	v := visit()
	v.report = map[string]any{"c-buffercount": uint32(4), "c-quality": uint32(99), "cs(Referer)": "http://a/ b\n#",
		"avgbandwidth": uint32(635259)}
	if got, want := string(appendJSON(nil, v)), `,"report":{"avgbandwidth":635259,"c-buffercount":4,"c-quality":99,`+
		`"cs(Referer)":"http://a/ b\n#"}}`+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s at its end", got, want)
	}
	names, values := strings.Fields(strings.Join(w3cFields, " ")), strings.Fields(string(appendW3C(nil, v)))
	if len(values) != len(names) {
		t.Fatalf("%d values for %d fields", len(values), len(names))
	}
	for i, name := range names {
		want, ok := map[string]string{"c-buffercount": "4", "c-quality": "99", "cs(Referer)": "http://a/_b%0A%23",
			"avgbandwidth": "635259", "c-bytes": "-"}[name]
		if ok && values[i] != want {
			t.Errorf("%s is %s, want %s", name, values[i], want)
		}
	}
}

func TestMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes until all is written
		l, book, file := logIn(t, "w3c")
		if err := l.Start("pumpd", nil); err != nil {
			t.Fatal(err)
		}
		v := visit()
		v.Reports = true
		l.Add(v) // waits for its report when the log moves
		if _, _, err := l.Move("/nowhere/at/all/access.log", "json"); err == nil ||
			!strings.HasPrefix(err.Error(), "access_log: open /nowhere") {
			t.Errorf("got %v", err)
		}
		move := func(file, format string) {
			t.Helper()
			commit, _, err := l.Move(file, format)
			if err != nil {
				t.Fatal(err)
			}
			commit()
		}
		_, undo, err := l.Move(file+".never", "json")
		if err != nil {
			t.Fatal(err)
		}
		undo()
		move(file+".2", "combined")
		l.Add(visit())
		move("", "combined")
		if l.Add(visit()); l.On() {
			t.Error("visits are wanted where there is no log")
		}
		move(file+".3", "json")
		l.Add(visit())
		l.Close()
		for name, want := range map[string]string{"": "192.0.2.1 2026", ".2": "192.0.2.1 - ann", ".3": `{"event":"left"`} {
			lines := linesOf(t, file+name)
			visits := slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
			if len(visits) != 1 || !strings.HasPrefix(visits[0], want) {
				t.Errorf("%s has %q, want a line that begins with %s", file+name, visits, want)
			}
		}
		if l.Lost() > 0 || book.Text() != "" {
			t.Errorf("%d lost, log %q", l.Lost(), book.Text())
		}
	})
}
