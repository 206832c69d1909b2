package handover

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/clock"
)

// roleVariable makes this test binary a new program, of a kind.
const roleVariable = "PUMPD_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// play is the new program.
func play(role string) error {
	c, err := FromEnvironment()
	if err != nil {
		return err
	}
	if c == nil {
		return errors.New("nobody has started me")
	}
	switch role {
	case "again": // takes its own place once
		if os.Getenv("PUMPD_TEST_AGAIN") == "" {
			if err := c.Keep(); err != nil {
				return err
			}
			env := append(os.Environ(), "PUMPD_TEST_AGAIN=1")
			return unix.Exec("/proc/self/exe", os.Args, env)
		}
	case "refuse":
		return c.Refuse(errors.New("pump.toml:1: no"))
	case "leave":
		return errors.New("no manners")
	}
	theirs, err := c.Greet(Hello{Version: 7, Program: "new", PID: os.Getpid()})
	if err != nil {
		return err
	}
	m, err := c.Expect(testKind)
	if err != nil {
		return err
	}
	defer m.Close()
	if _, err := unix.Write(m.FDs[0], []byte(theirs.Program)); err != nil {
		return err
	}
	env := strings.Join(os.Environ(), "\n")
	if strings.Contains(env, variable) || strings.Contains(env, "WATCHDOG_PID") {
		return fmt.Errorf("the environment has what is the old program's alone: %s", env)
	}
	return c.Send(testKind, len(os.Args))
}

// startTest starts this test binary as a new program.
func startTest(t *testing.T, role string) *Child {
	t.Helper()
	t.Setenv(roleVariable, role)
	self, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), variable+"=77", "WATCHDOG_PID="+strconv.Itoa(os.Getpid()))
	c, err := Start(self, []string{"an argument"}, env, os.Stdout, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill(); c.Close(); <-c.Exited })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

var oldHello = Hello{Version: 7, Program: "old", PID: os.Getpid(), Now: clock.Instant(5), Mono: clock.Monotonic()}

func TestHandover(t *testing.T) {
	for _, role := range []string{"polite", "again"} {
		t.Run(role, func(t *testing.T) {
			c := startTest(t, role)
			theirs, err := c.Greet(oldHello)
			if err != nil {
				t.Fatal(err)
			}
			if theirs.Program != "new" || theirs.PID != c.PID {
				t.Errorf("got %+v of process %d", theirs, c.PID)
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := c.Send(testKind, 1, int(w.Fd())); err != nil {
				t.Fatal(err)
			}
			w.Close()
			m, err := c.Expect(testKind)
			if err != nil {
				t.Fatal(err)
			}
			var args int
			if err := m.Decode(&args); err != nil || args != 2 {
				t.Errorf("%d arguments, %v, want the program and one", args, err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != "old" {
				t.Errorf("by the descriptor came %q, %v", got, err)
			}
			if err := <-c.Exited; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGreetingFails(t *testing.T) {
	t.Run("another version", func(t *testing.T) {
		c := startTest(t, "polite")
		other := oldHello
		other.Version = 8
		_, err := c.Greet(other)
		if _, ok := errors.AsType[*VersionError](err); !ok {
			t.Fatalf("got %v", err)
		}
		if want := "old hands over by version 8, new by version 7: viewers cannot move"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if err := <-c.Exited; err == nil {
			t.Error("the new program has understood another version")
		}
	})
	t.Run("refused", func(t *testing.T) {
		c := startTest(t, "refuse")
		_, err := c.Greet(oldHello)
		if no, ok := errors.AsType[*Refusal](err); !ok || no.Why != "pump.toml:1: no" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		c := startTest(t, "leave")
		if _, err := c.Greet(oldHello); err == nil {
			t.Error("no error")
		}
		if err := <-c.Exited; err == nil || err.Error() != "exit status 1" {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("killed", func(t *testing.T) {
		c := startTest(t, "polite")
		c.Kill()
		if err := <-c.Exited; err == nil || err.Error() != "signal: killed" {
			t.Errorf("ended with %v", err)
		}
		c.Kill() // does no harm
	})
	t.Run("another message", func(t *testing.T) {
		a, b := twoEnds(t)
		if err := a.Send(testKind, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Greet(oldHello); err == nil || !strings.Contains(err.Error(), "kind 6, want 1") {
			t.Errorf("got %v", err)
		}
	})
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for program, want := range map[string]string{
		filepath.Join(dir, "absent"): "no such file",
		dir:                          "is not a file",
		plain:                        "permission denied",
		garbage:                      "exec format error",
	} {
		c, err := Start(program, nil, nil, nil, nil)
		if err == nil {
			c.Kill()
			t.Errorf("%s was started", program)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), program) {
			t.Errorf("got %q, want %q and %s", err, want, program)
		}
	}
	if now := openFiles(t); now != before {
		t.Errorf("%d descriptors, before %d", now, before)
	}
}

func TestFromEnvironment(t *testing.T) {
	file := marked(t, "no socket")
	defer file.Close()
	copied, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, 3) // it will be closed
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", "2", "-1", strconv.Itoa(copied), "1000000"} {
		t.Setenv(variable, bad)
		c, err := FromEnvironment()
		if c != nil || err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%q: %v, %v", bad, c, err)
		}
		if _, left := os.LookupEnv(variable); left {
			t.Errorf("%q is left in the environment", bad)
		}
	}
	if c, err := FromEnvironment(); c != nil || err != nil {
		t.Errorf("without it: %v, %v", c, err)
	}
}

func TestStageString(t *testing.T) {
	seen := map[string]bool{}
	for s := Idle; s <= Running; s++ {
		if s.String() == "" || seen[s.String()] {
			t.Errorf("stage %d is %q", s, s)
		}
		seen[s.String()] = true
	}
}

// Whoever watches hears of each stage, in any build.
func TestWatch(t *testing.T) {
	var heard []Stage
	Watch(func(s Stage) { heard = append(heard, s) })
	defer watcher.Store(nil)
	Reach(Greeting)
	Reach(Committed)
	if want := []Stage{Greeting, Committed}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}
