package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

var nobody = slog.New(slog.DiscardHandler)

// testFile is a configuration of this test alone, which is not there.
func testFile(t *testing.T) string { return filepath.Join(t.TempDir(), "pump.toml") }

// served is a pump that runs by a file; the function ends it.
func served(t *testing.T, file string, upgrade Upgrade) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { Serve(ctx, Name(file), nobody, upgrade); close(done) }()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	return end
}

// ask asks as soon as somebody is there, however busy the machine is.
func ask(t *testing.T, file, program string) (heard []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err = Ask(ctx, file, program, func(line string) { heard = append(heard, line) })
		if !errors.Is(err, ErrNoPump) || ctx.Err() != nil {
			return heard, err
		}
		time.Sleep(time.Millisecond)
	}
}

func TestUpgrade(t *testing.T) {
	file := testFile(t)
	var asked []string
	served(t, file, func(program string, say func(string)) error {
		asked = append(asked, program)
		if strings.HasSuffix(program, "bad") {
			return errors.New("pump.toml:1: one\npump.toml:2: \x1b[2Jtwo")
		}
		say("sending")
		return nil
	})
	for _, program := range []string{"", "/usr/bin/a \"line\nbreak\""} {
		heard, err := ask(t, file, program)
		if err != nil || len(heard) != 2 || heard[1] != "sending" {
			t.Errorf("%q: heard %q, %v", program, heard, err)
		}
		if got := asked[len(asked)-1]; got != program {
			t.Errorf("asked for %q, want %q", got, program)
		}
	}
	_, err := ask(t, file, "/bad")
	if want := "pump.toml:1: one\npump.toml:2: ?[2Jtwo"; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if _, err = ask(t, file, "relative"); err == nil || !strings.Contains(err.Error(), "whole path") {
		t.Errorf("a relative path: %v", err)
	}
	if len(asked) != 3 {
		t.Errorf("%d upgrades, want 3", len(asked))
	}
}

// Whoever knocks takes a descriptor of the pump's, so no more than a few are let in at a time; the others wait.
func TestManyAskers(t *testing.T) {
	file := testFile(t)
	in, goOn := make(chan struct{}), make(chan struct{})
	served(t, file, func(string, func(string)) error {
		in <- struct{}{}
		<-goOn
		return nil
	})
	const askers = 3 * mostAskers
	ended := make(chan error, askers)
	for range askers {
		go func() {
			_, err := ask(t, file, "")
			ended <- err
		}()
	}
	for range mostAskers {
		<-in
	}
	select {
	case <-in:
		t.Errorf("more than %d are in", mostAskers)
	case <-time.After(50 * time.Millisecond): // only a pump that lets them in can fail here
	}
	close(goOn)
	go func() {
		for range in {
		}
	}()
	for range askers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	close(in)
}

// The pump that has handed over ends, maybe before it can say so; one that ends earlier has not.
func TestPumpEndsMeanwhile(t *testing.T) {
	for line, want := range map[string]bool{Gone: true, "sending": false} {
		file := testFile(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: Name(file), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer l.Close()
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			defer conn.Close()
			if _, err := request(conn); err == nil {
				say(conn, saysProgress, line)
			}
		}()
		if _, err := ask(t, file, ""); (err == nil) != want {
			t.Errorf("after %q: %v, want done: %v", line, err, want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	err := Ask(context.Background(), testFile(t), "", func(string) {})
	if !errors.Is(err, ErrNoPump) {
		t.Errorf("got %v", err)
	}
}

// The next pump has the name when the one before lets it go, and the log hears of one who does not.
func TestNameIsTaken(t *testing.T) {
	file := testFile(t)
	end := served(t, file, func(string, func(string)) error { return errors.New("the first") })
	if _, err := ask(t, file, ""); err == nil || err.Error() != "the first" {
		t.Fatalf("got %v", err)
	}
	served(t, file, func(string, func(string)) error { return errors.New("the second") })
	end()
	if _, err := ask(t, file, ""); err == nil || err.Error() != "the second" {
		t.Errorf("got %v", err)
	}
}

func TestTakenNameIsTold(t *testing.T) {
	file := testFile(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: Name(file), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	synctest.Test(t, func(t *testing.T) {
		var told strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { Serve(ctx, Name(file), slog.New(slog.NewTextHandler(&told, nil)), nil); close(done) }()
		time.Sleep(10 * retryTime)
		cancel()
		<-done
		if got := told.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "SIGUSR2") {
			t.Errorf("told %q, want one warning", got)
		}
	})
}

func TestRequestRefuses(t *testing.T) {
	for _, c := range []struct{ sent, want string }{
		{"", "0 bytes: EOF"},
		{"\"\"", "2 bytes: EOF"},
		{"x\n", "want a program in quotes"},
		{"\"x\"\n", "want its whole path"},
		{"\"" + strings.Repeat("x", longestLine) + "\"\n", "16384 bytes: EOF"},
	} {
		file := testFile(t)
		served(t, file, func(program string, _ func(string)) error { return errors.New("upgraded to " + program) })
		var conn net.Conn
		var err error
		for conn == nil {
			if conn, err = net.Dial("unix", Name(file)); err != nil {
				time.Sleep(time.Millisecond)
			}
		}
		if _, err := io.WriteString(conn, c.sent); err != nil {
			t.Fatal(err)
		}
		conn.(*net.UnixConn).CloseWrite()
		got, err := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(got), "! ") || !strings.Contains(string(got), c.want) {
			t.Errorf("%.20q: got %q, %v, want %q", c.sent, got, err, c.want)
		}
	}
}

func TestTrusted(t *testing.T) {
	for _, c := range []struct {
		asker uint32
		us    int
		want  bool
	}{
		{0, 0, true}, {0, 1000, true}, {1000, 1000, true}, {1000, 0, false}, {1001, 1000, false}, {1<<32 - 1, -1, false},
	} {
		if got := trusted(c.asker, c.us); got != c.want {
			t.Errorf("user %d asks user %d: %v", c.asker, c.us, got)
		}
	}
	if us := os.Geteuid(); !trusted(uint32(us), us) {
		t.Error("not by oneself")
	}
}

// Every file has a name of its own, which a socket can have.
// Only who may read the configuration can be its pump.
func TestReads(t *testing.T) {
	file := testFile(t)
	stranger := &unix.Ucred{Pid: int32(os.Getpid()), Uid: 54321, Gid: 54321}
	if !reads(stranger, file) {
		t.Error("a file that is not there is a reason to doubt")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	us, ours := uint32(os.Getuid()), uint32(os.Getgid())
	for _, c := range []struct {
		mode os.FileMode
		who  unix.Ucred
		want bool
	}{
		{0o600, unix.Ucred{Uid: us, Gid: ours}, true},
		{0o600, unix.Ucred{}, true},
		{0o600, *stranger, false},
		{0o640, *stranger, false},
		{0o640, unix.Ucred{Uid: 54321, Gid: ours}, true},
		{0o600, unix.Ucred{Uid: 54321, Gid: ours}, false},
		{0o644, *stranger, true},
	} {
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		if c.who.Pid != 0 {
			c.who.Pid = 1 << 30 // of no process: it has no other groups
		}
		if got := reads(&c.who, file); got != c.want {
			t.Errorf("%o, %+v: %t, want %t", c.mode, c.who, got, c.want)
		}
	}
	want, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, g := range groups(int32(os.Getpid())) {
		got = append(got, int(g))
	}
	if !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}

func TestName(t *testing.T) {
	short, long := "/etc/pumpd/pump.toml", "/"+strings.Repeat("x", 200)
	names := []string{Name(short), Name(long), Name(long + "x"), Name("/" + strings.Repeat("y", 101)),
		Name("/" + strings.Repeat("y", 102))}
	if names[0] != "@pumpd"+short {
		t.Errorf("got %q", names[0])
	}
	for i, name := range names {
		if len(name) > longestName || slices.Index(names, name) != i {
			t.Errorf("%q: %d bytes, or twice", name, len(name))
			continue
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
}
