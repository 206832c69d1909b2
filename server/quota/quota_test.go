package quota

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/config"
	"pumpd/server/logging/logtest"
)

// A rig is a meter with a clock on the wall and a log of the test's.
type rig struct {
	*Meter
	t    *testing.T
	path string
	log  *logtest.Book
	now  time.Time
}

// berlin has summer time.
var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.UTC // no time zones here
	}
	return l
}()

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
	if err != nil {
		panic(err)
	}
	return t
}

func daily(bytes int64) config.Quota { return config.Quota{Bytes: bytes} }

func newRig(t *testing.T, q config.Quota, now string) *rig {
	r := &rig{t: t, path: t.TempDir(), log: &logtest.Book{}, now: at(now)}
	r.open(q)
	t.Cleanup(func() { r.dir.close() })
	return r
}

// open makes the meter as a new process does.
func (r *rig) open(q config.Quota) {
	r.t.Helper()
	m, err := Open(r.path, q, slog.New(r.log), r.now)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Meter = m
}

// crash is what kill -9 does.
func (r *rig) crash() { r.dir.close() }

func (r *rig) count(bytes int64) Use { return r.Count(bytes, r.now) }

func (r *rig) save() { (&keeper{m: r.Meter}).save(true) }

// used fails unless so much is used.
func (r *rig) used(want int64) {
	r.t.Helper()
	if got := r.Use().Used; got != want {
		r.t.Errorf("%d bytes are used at %v, want %d", got, r.now, want)
	}
}

func TestDay(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	if u := r.count(799); u.Used != 799 || u.Full || u.Limit != 1000 || !u.Ends.Equal(at("2026-11-28 00:00")) {
		t.Errorf("%+v", u)
	}
	if n := r.log.Count("WARN"); n != 0 {
		t.Errorf("warnings before 80 %%: %s", r.log.Text())
	}
	r.count(1)
	r.count(1)
	r.log.Has(t, "WARN quota: 80 % are used", "quota=", "used=800")
	if u := r.count(199); !u.Full || u.Used != 1000 {
		t.Errorf("%+v, want full", u)
	}
	r.count(50)
	r.log.Has(t, "WARN quota: it is used up", "used=1000", "ends=2026-11-28")
	r.now = at("2026-11-28 00:00").Add(-time.Nanosecond)
	if u := r.count(0); !u.Full {
		t.Errorf("at the end of the day: %+v", u)
	}
	r.now = at("2026-11-28 00:00")
	if u := r.count(7); u.Full || u.Used != 0 || !u.Since.Equal(r.now) {
		t.Errorf("on the next day: %+v, want nothing used: what was sent before is yesterday's", u)
	}
	r.log.Has(t, "INFO quota: a new period begins", "period=2026-11-28", "before=2026-11-27", "used_before=1057")
	r.count(800)
	if n := r.log.Count("WARN"); n != 3 {
		t.Errorf("%d warnings, want one more on the second day:\n%s", n, r.log.Text())
	}
}

func TestMonth(t *testing.T) {
	r := newRig(t, config.Quota{Bytes: 1000, Monthly: true}, "2026-01-31 23:59")
	if u := r.count(600); !u.Since.Equal(at("2026-01-01 00:00")) || !u.Ends.Equal(at("2026-02-01 00:00")) {
		t.Errorf("%+v", u)
	}
	r.now = at("2026-02-01 00:00")
	if u := r.count(0); u.Used != 0 || !u.Ends.Equal(at("2026-03-01 00:00")) {
		t.Errorf("%+v", u)
	}
	r.now = at("2026-02-28 23:59")
	r.count(400)
	r.used(400)
}

// A day in the autumn has 25 hours.
func TestSummerTimeEnds(t *testing.T) {
	r := newRig(t, daily(1000), "2026-10-25 00:00")
	if u := r.count(1); berlin != time.UTC && u.Ends.Sub(u.Since) != 25*time.Hour {
		t.Errorf("%+v: %v long", u, u.Ends.Sub(u.Since))
	}
	r.now = r.now.Add(24*time.Hour + 30*time.Minute)
	r.count(1)
	if berlin != time.UTC {
		r.used(2)
	}
}

// What was saved is there after kill -9, what was not is lost.
func TestCrash(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	r.count(500)
	r.save()
	r.count(100)
	r.crash()
	r.open(daily(1000))
	r.used(500)
	r.count(500)
	r.save()
	r.crash()
	r.open(daily(1000))
	if u := r.count(0); !u.Full {
		t.Errorf("%+v, want full from the start", u)
	}
	r.Close()
	r.now = at("2026-11-28 09:00")
	r.open(daily(1000))
	r.used(0)
	r.log.Has(t, "INFO quota: a new period begins", "used_before=1000")
}

// A crash in the middle of a save leaves a whole file, whatever is beside it.
func TestCrashInASave(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	r.count(500)
	r.save()
	r.crash()
	if err := os.WriteFile(filepath.Join(r.path, newName), []byte(`{"version":1,"peri`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open(daily(1000))
	r.used(500)
	r.count(1)
	r.save()
	r.crash()
	r.open(daily(1000))
	r.used(501)
}

// Wherever the clock goes, what was sent is not forgotten.
func TestWrongClock(t *testing.T) {
	type step struct {
		to   string // the clock, "" as before; + is after a restart
		send int64
		want int64
	}
	for _, c := range []struct {
		name  string
		steps []step
		lines int // warnings of the clock
	}{
		{"a machine without a clock boots", []step{
			{"2026-11-27 09:00", 500, 500}, {"+1970-01-01 00:00", 10, 510}, {"2026-11-27 10:00", 0, 510},
			{"", 90, 600}, {"+1970-01-01 00:00", 1, 601}, {"+2026-11-27 11:00", 0, 601}, {"2026-11-28 00:00", 0, 0},
		}, 2},
		{"a jump ahead and back", []step{
			{"2026-11-27 09:00", 500, 500}, {"2036-01-01 00:00", 0, 0}, {"", 5, 5}, {"2026-11-27 10:00", 0, 505},
			{"2026-11-28 09:00", 0, 0},
		}, 1},
		{"the first start is in the future", []step{
			{"2036-01-01 09:00", 500, 500}, {"+2026-11-27 09:00", 0, 500}, {"2026-11-28 09:00", 0, 0},
		}, 1},
		{"some seconds around midnight", []step{
			{"2026-11-27 23:59", 500, 500}, {"2026-11-28 00:00", 0, 0}, {"", 7, 7}, {"2026-11-27 23:59", 0, 507},
			{"", 1, 508}, {"2026-11-28 00:00", 0, 8},
		}, 1},
		{"backwards day by day", []step{
			{"2026-11-27 09:00", 500, 500}, {"2026-11-26 09:00", 0, 500}, {"2026-11-25 09:00", 0, 500},
			{"2026-11-24 09:00", 0, 500}, {"2026-11-23 09:00", 0, 500}, {"2026-11-22 09:00", 0, 500},
		}, 5},
	} {
		r := newRig(t, daily(1000), strings.TrimPrefix(c.steps[0].to, "+"))
		for i, s := range c.steps {
			if text, again := strings.CutPrefix(s.to, "+"); again {
				r.save()
				r.crash()
				r.now = at(text)
				r.open(daily(1000))
			} else if s.to != "" {
				r.now = at(s.to)
				r.count(0)
			}
			if r.count(s.send); r.Use().Used != s.want {
				t.Errorf("%s: step %d, %s: %d are used, want %d", c.name, i, s.to, r.Use().Used, s.want)
			}
		}
		if n := r.log.Count("WARN quota: the clock is before"); n != c.lines {
			t.Errorf("%s: %d lines, want %d:\n%s", c.name, n, c.lines, r.log.Text())
		}
		if n := len(r.book); n > maxEntries {
			t.Errorf("%s: %d periods are kept", c.name, n)
		}
	}
}

// Who counts by the month and then by the day begins anew.
func TestOtherPeriod(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	r.count(500)
	r.Close()
	r.open(config.Quota{Bytes: 1000, Monthly: true})
	r.used(0)
	r.log.Has(t, "WARN quota: it was counted by another period", "was=2026-11-27", "used=500")
}

// A quota that is raised or lowered goes on with its count.
func TestOtherLimit(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	r.count(500)
	r.Close()
	r.open(daily(400))
	if u := r.Use(); !u.Full || u.Used != 500 {
		t.Errorf("%+v", u)
	}
}

// The limit may change while it is counted: none is one, and days are no months.
func TestSetLimit(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	if u := r.count(1000); !u.Full {
		t.Errorf("%+v", u)
	}
	r.SetLimit(daily(2000), r.now)
	if u := r.count(0); u.Full || u.Used != 1000 || u.Limit != 2000 {
		t.Errorf("a higher limit: %+v", u)
	}
	r.SetLimit(config.Quota{}, r.now)
	if u := r.count(5000); u.Full || u.Used != 6000 {
		t.Errorf("none: %+v", u)
	}
	r.SetLimit(daily(2000), r.now)
	if u := r.count(0); !u.Full {
		t.Errorf("one again: %+v", u)
	}
	r.SetLimit(config.Quota{Bytes: 9000, Monthly: true}, r.now)
	if u := r.Use(); u.Full || u.Used != 0 || !u.Ends.Equal(at("2026-12-01 00:00")) {
		t.Errorf("by the month: %+v", u)
	}
	r.log.Has(t, "WARN quota: it was counted by another period", "was=2026-11-27", "used=6000")
}

// A file that cannot be understood is kept for whoever wants to know, and the pump starts.
func TestDamagedFile(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	r.Close()
	if err := os.WriteFile(filepath.Join(r.path, fileName), []byte("\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open(daily(1000))
	r.used(0)
	r.log.Has(t, "ERROR quota: its file cannot be understood", "file="+filepath.Join(r.path, fileName), "moved=true")
	if kept, err := os.ReadFile(filepath.Join(r.path, badName)); err != nil || !bytes.Equal(kept, []byte("\x00\x00\x00")) {
		t.Errorf("kept: %q, %v", kept, err)
	}
}

func TestOpenErrors(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	if _, err := Open(r.path, daily(1000), slog.New(r.log), r.now); err == nil ||
		!strings.Contains(err.Error(), r.path+": another pumpd uses it") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := Open(filepath.Join(r.path, "none"), daily(1), slog.New(r.log), r.now); err == nil {
		t.Error("no directory: no error")
	}
	other := t.TempDir()
	if err := os.Mkdir(filepath.Join(other, fileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(other, daily(1), slog.New(r.log), r.now); err == nil {
		t.Error("a directory in place of the file: no error")
	}
}

// There is one line when the file cannot be written, and one when it can again.
func TestFullDisk(t *testing.T) {
	r := newRig(t, daily(1000), "2026-11-27 09:00")
	blocked := filepath.Join(r.path, newName)
	k := keeper{m: r.Meter}
	k.save(true)
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil { // root may write where it may not
		t.Fatal(err)
	}
	if err := r.Check(); err == nil {
		t.Error("all is well, says Check")
	}
	for range 5 {
		r.count(1)
		k.save(true)
	}
	r.log.Has(t, "ERROR quota: its file cannot be written", "file="+filepath.Join(r.path, fileName), "err=")
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	k.save(true)
	r.log.Has(t, "WARN quota: its file can be written again")
	if n := strings.Count(r.log.Text(), "\n") + 1; n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, r.log.Text())
	}
	r.crash()
	r.open(daily(1000))
	r.used(5)
}

// The file is written again and again without anybody's doing, and not when nothing has changed.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, daily(1000), "2026-11-27 09:00")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			r.Keep(ctx)
			close(done)
		}()
		saved := func() book {
			text, err := os.ReadFile(filepath.Join(r.path, fileName))
			if err != nil {
				t.Fatal(err)
			}
			b, err := parseBook(text)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		for i := range int64(5) {
			r.count(10)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if got := saved()[0].Used; got != 10*i+10 {
				t.Errorf("after %d s: %d in the file, want %d", 10*i+10, got, 10*i+10)
			}
		}
		before, err := os.Stat(filepath.Join(r.path, fileName))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		after, err := os.Stat(filepath.Join(r.path, fileName))
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("the file was written though nothing has changed (%v)", err)
		}
		r.count(1)
		stop()
		<-done
		r.Close()
		if got := saved()[0].Used; got != 51 {
			t.Errorf("at the end: %d in the file, want 51", got)
		}
		r.open(daily(1000))
	})
}

// Who has handed the directory over, or given it up, leaves the file to whoever has it now.
func TestGivenUp(t *testing.T) {
	for name, give := range map[string]func(*Meter){
		"closed": (*Meter).Close, "handed over": (*Meter).HandOver, "abandoned": (*Meter).Abandon,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, daily(1000), "2026-11-27 09:00")
				before := r.Meter
				done := make(chan struct{})
				go func() {
					before.Keep(t.Context())
					close(done)
				}()
				synctest.Wait()
				r.count(10)
				if name == "abandoned" {
					(&keeper{m: before}).save(true)
				}
				give(before)
				r.open(daily(1000))
				r.used(10)
				r.count(10)
				(&keeper{m: r.Meter}).save(true)
				before.Count(1, r.now)
				select {
				case <-done:
				case <-time.After(time.Minute):
					t.Error("its file is still kept")
				}
				r.crash()
				r.open(daily(1000))
				r.used(20)
				if s := r.log.Text(); s != "" {
					t.Errorf("the log has %q", s)
				}
			})
		})
	}
}

var badFiles = []struct{ name, text, err string }{
	{"nothing", "", "EOF"},
	{"no JSON", "\x00\x00", "invalid character"},
	{"torn", `{"version":1,"periods":[{"since":"2026-11-27","us`, "unexpected EOF"},
	{"two of them", `{"version":1,"periods":[{"since":"2026-11-27","used":1,"base":0}]}{}`, "behind its end"},
	{"another version", `{"version":2,"periods":[{"since":"2026-11-27","used":1,"base":0}]}`, "version 2, want 1"},
	{"no periods", `{"version":1,"periods":[]}`, "0 periods"},
	{"too many", `{"version":1,"periods":[{"since":"2026-11"},{"since":"2026-10"},{"since":"2026-09"},{"since":"2026-08"},` +
		`{"since":"2026-07"}]}`, "5 periods"},
	{"no date", `{"version":1,"periods":[{"since":"yesterday","used":1,"base":0}]}`, "yesterday"},
	{"no such day", `{"version":1,"periods":[{"since":"2026-02-30","used":1,"base":0}]}`, "2026-02-30"},
	{"days and months", `{"version":1,"periods":[{"since":"2026-11-27"},{"since":"2026-11"}]}`, "period 2"},
	{"twice the same", `{"version":1,"periods":[{"since":"2026-11-27"},{"since":"2026-11-27"}]}`, "twice"},
	{"below zero", `{"version":1,"periods":[{"since":"2026-11-27","used":-1,"base":-2}]}`, "used -1"},
	{"less than it began with", `{"version":1,"periods":[{"since":"2026-11-27","used":1,"base":2}]}`, "base 2"},
	{"more than can be", `{"version":1,"periods":[{"since":"2026-11-27","used":9000000000000000000}]}`, "used 9"},
	{"a field that we do not have", `{"version":1,"limit":5,"periods":[{"since":"2026-11-27"}]}`, "unknown field"},
	{"large", `{"version":1,"periods":[{"since":"2026-11-27"}]}` + strings.Repeat(" ", maxFile), "more than 4096 bytes"},
}

func TestBadFiles(t *testing.T) {
	for _, c := range badFiles {
		if _, err := parseBook([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}

// What is taken is bounded, and comes back as it was.
func FuzzBook(f *testing.F) {
	for _, c := range badFiles {
		f.Add([]byte(c.text), "2026-11-28")
	}
	f.Add(book{{"2026-11-27", 510, 500}, {"1970-01-01", 10, 0}}.marshal(), "1970-01-01")
	f.Add(book{{"2026-11", maxUsed, maxUsed}, {"2026-10", 10, 0}}.marshal(), "2026-12")
	f.Fuzz(func(t *testing.T, text []byte, since string) {
		b, err := parseBook(text)
		if err != nil {
			return
		}
		again, err := parseBook(b.marshal())
		if err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("%q: %v, %v, want %v", text, again, err, b)
		}
		if b.turn(since); len(b) > maxEntries || b[0].Since != since || b[0].Used < b[0].Base || b[0].Base < 0 {
			t.Fatalf("%q, then %q: %v", text, since, b)
		}
	})
}
