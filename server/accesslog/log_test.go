package accesslog

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"pumpd/server/logging/logtest"
)

// logIn makes a log in a directory of its own that the test runs by hand.
func logIn(t *testing.T, format string) (*Log, *logtest.Book, string) {
	t.Helper()
	var book logtest.Book
	file := filepath.Join(t.TempDir(), "log", "access.log")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	l := New(file, format, slog.New(&book))
	p, err := l.open(file, format)
	if err != nil {
		t.Fatal(err)
	}
	l.place = *p
	t.Cleanup(l.close)
	l.begin()
	return l, &book, file
}

// put writes a visit of somebody.
func (l *Log) put(who string) {
	v := visit()
	v.Viewer = who
	l.take(v)
	l.write()
}

func linesOf(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
}

// wantWho wants a file with lines of these, in that order, and comments.
func wantWho(t *testing.T, file string, who ...string) {
	t.Helper()
	var got []string
	for _, line := range linesOf(t, file) {
		if !strings.HasPrefix(line, "#") && line != "" {
			got = append(got, strings.Fields(line)[2])
		}
	}
	if strings.Join(got, " ") != strings.Join(who, " ") {
		t.Errorf("%s has %q, want %q", file, got, who)
	}
}

func TestRotation(t *testing.T) {
	l, book, file := logIn(t, "combined")
	l.put("a")
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	l.put("b")
	l.reopen()
	l.put("c")
	wantWho(t, file+".1", "a", "b")
	wantWho(t, file, "c")
	l.look() // nothing has happened
	l.put("d")
	wantWho(t, file, "c", "d")
	if book.Text() != "" || l.Lost() > 0 {
		t.Errorf("%d lost, log %q, want nothing", l.Lost(), book.Text())
	}
}

// Each file, and each run, begins with what its fields are.
func TestW3CFilesHaveHeaders(t *testing.T) {
	l, _, file := logIn(t, "w3c")
	l.put("a")
	os.Remove(file)
	l.look()
	l.put("b")
	if got := linesOf(t, file); len(got) != 5 || !strings.HasPrefix(got[3], "#Fields: c-ip ") {
		t.Errorf("got %q", got)
	}
}

// A directory that vanishes is said once, and that it is back.
func TestVanishedDirectory(t *testing.T) {
	l, book, file := logIn(t, "combined")
	dir := filepath.Dir(file)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.look()
		l.reopen()
		l.put("a")
	}
	if n := book.Count("ERROR access_log cannot be opened again"); n != 1 || book.Count("") != 1 {
		t.Errorf("log %q, want one error", book.Text())
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l.look()
	l.put("b")
	wantWho(t, file, "b")
	wantWho(t, filepath.Join(dir+".gone", "access.log"), "a", "a", "a")
	book.Has(t, "INFO access_log is where it should be again")
}

// A disk takes so many bytes until it has room.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

// A full disk costs the lines that do not fit. None of the others is in the same line as half of one.
func TestFullDisk(t *testing.T) {
	l, book, file := logIn(t, "combined")
	l.close()
	d := &disk{room: len(appendCombined(nil, visit())) + 50}
	l.out = d
	for _, who := range []string{"ann", "bob", "eve", "dan"} {
		l.put(who)
	}
	if l.Lost() != 3 || book.Count("ERROR access_log cannot be written") != 1 || book.Count("") != 1 {
		t.Errorf("%d lost, log %q, want 3 and one error", l.Lost(), book.Text())
	}
	d.room = 1 << 20
	l.put("joe")
	l.put("kim")
	book.Has(t, "WARN access_log is written again", "lost=3")
	if err := os.WriteFile(file, d.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	wantWho(t, file, "ann", "bob", "joe", "kim")
	if got := linesOf(t, file); !strings.HasPrefix(got[2], "192.0.2.1 - joe") {
		t.Errorf("got %q", got)
	}
}

// Nobody waits for a log that hangs; what it cannot keep is counted.
func TestNobodyWaits(t *testing.T) {
	l := New(Stdout, "json", slog.New(slog.DiscardHandler))
	v := visit()
	for range maxVisits + 3 {
		l.Add(v)
	}
	if l.Lost() != 3 {
		t.Errorf("%d lost, want 3", l.Lost())
	}
}

// What waits when the server ends is written. No time passes in a bubble meanwhile, however busy the machine is.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := New(Stdout, "json", slog.New(slog.DiscardHandler))
		if err := l.Start("pumpd", &out); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			l.Add(visit())
		}
		l.Reopen()
		l.Close()
		if n := strings.Count(out.String(), "\n"); n != 1000 {
			t.Errorf("%d lines, want 1000", n)
		}
	})
}

func TestNoLog(t *testing.T) {
	l := New("", "json", nil)
	if err := l.Start("pumpd", io.Discard); err != nil || l.Lost() != 0 {
		t.Error(err)
	}
	l.Add(visit())
	l.Reopen()
	l.Close()
}

// One that cannot be there is an error at the start, which names the key.
func TestStartWithoutDirectory(t *testing.T) {
	l := New("/nowhere/at/all/access.log", "json", slog.New(slog.DiscardHandler))
	if err := l.Start("pumpd", io.Discard); err == nil || !strings.HasPrefix(err.Error(), "access_log: open /nowhere") {
		t.Errorf("got %v", err)
	}
}
