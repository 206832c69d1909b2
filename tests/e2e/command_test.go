package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run starts pumpd and waits for its end.
func run(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	out, err := exec.Command(mustBuild(t, pumpdProgram), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return code, string(out)
}

func TestExampleIsGood(t *testing.T) {
	t.Parallel()
	code, out := run(t, "-t", "-c", filepath.Join(repository, "pump.toml.example"))
	if code != 0 || strings.Count(out, "\n") > 1 {
		t.Errorf("exit code %d, output %q", code, out)
	}
}

// What is wrong with the configuration or the machine is one line that names it, and no stack trace.
func TestMistakes(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name, config string
		code         int
		says         []string // all of them
	}{
		{"unknown key", "[server]\nmerg = \"0s\"\n", 1, []string{"merg", "merge", "2"}},
		{"bad value", "[server]\nburst = \"soon\"\n", 1, []string{"burst", "soon", "2"}},
		{"not TOML", "[server\n", 1, []string{"1"}},
		{"two streams with one path", pushStream("Live") + pushStream("live"), 1, []string{"live"}},
		{"unknown type", "[[streams]]\npath = \"a\"\ntype = \"udp\"\n", 1, []string{"udp", "mmsh_push"}},
		{"port in use", "[server]\nadmin = \"\"\nlisten = [\"" + taken.Addr().String() + "\"]\n", 1,
			[]string{taken.Addr().String(), "in use"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pump.toml")
			if err := os.WriteFile(file, []byte(c.config), 0o644); err != nil {
				t.Fatal(err)
			}
			code, out := run(t, "-c", file)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, word := range c.says {
				if !strings.Contains(out, word) {
					t.Errorf("output %q does not name %q", out, word)
				}
			}
			if n := strings.Count(strings.TrimSpace(out), "\n"); n > 0 {
				t.Errorf("%d lines, want one: %q", n+1, out)
			}
		})
	}
	for _, c := range []struct {
		name string
		args []string
		code int
	}{
		{"no such file", []string{"-c", filepath.Join(t.TempDir(), "none.toml")}, 1},
		{"no such flag", []string{"-x"}, 2},
		{"an argument", []string{"pump.toml"}, 2},
		{"help", []string{"-h"}, 0},
		{"version", []string{"-version"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, out := run(t, c.args...); code != c.code || out == "" {
				t.Errorf("exit code %d, want %d, and some output: %q", code, c.code, out)
			}
		})
	}
}
