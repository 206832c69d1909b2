//go:build players

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

// The packages of this commit and of one that is newer, packed when the first test wants them.
var (
	oldPackage = sync.OnceValues(func() (string, error) { return pack("old") })
	newPackage = sync.OnceValues(func() (string, error) {
		return pack("new", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "--allow-empty", "-m",
			"newer")
	})
)

// pack makes the package of a fresh checkout in which a git command was run, if there is one.
func pack(name string, git ...string) (string, error) {
	dir, err := builtDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, name)
	steps := []*exec.Cmd{exec.Command("git", "clone", "-q", repository, dir)}
	if len(git) > 0 {
		steps = append(steps, exec.Command("git", append([]string{"-C", dir}, git...)...))
	}
	for _, cmd := range append(steps, exec.Command("make", "-C", dir, "deb")) {
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", cmd, err, out)
		}
	}
	list, err := filepath.Glob(filepath.Join(dir, "bin", "*.deb"))
	if err != nil || len(list) != 1 {
		return "", fmt.Errorf("make deb leaves %v, %w", list, err)
	}
	return list[0], nil
}

// needPackages skips where none can be made.
func needPackages(t *testing.T) {
	t.Helper()
	needProgram(t, "dpkg-deb", "dpkg")
	if out, err := exec.Command("git", "-C", repository, "rev-parse", "HEAD").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED, this is no git checkout: %v: %s", err, out)
	}
}

// The package is the same wherever it is made, and lives as packages do.
func TestPackage(t *testing.T) {
	t.Parallel()
	needPackages(t)
	old := mustBuild(t, oldPackage)
	again, err := pack("again")
	if err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("packed twice: %d and %d bytes that differ", len(a), len(b))
	}
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: installing it needs root")
	}
	runScript(t, "package.sh", old, mustBuild(t, newPackage))
}

// Who has only the package can go wherever its documents lead.
func TestPackagedDocuments(t *testing.T) {
	t.Parallel()
	needPackages(t)
	dir := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "-x", mustBuild(t, oldPackage), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir = filepath.Join(dir, "usr/share/doc/pumpd")
	for _, pattern := range []string{"README.md", "SECURITY.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, link := range regexp.MustCompile(`\]\(([^):#]+)[#)]`).FindAllSubmatch(text, -1) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(file), string(link[1]))); err != nil {
					t.Errorf("%s leads to what is not there: %v", filepath.Base(file), err)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "contrib/prometheus/alerts.yaml")); err != nil {
		t.Error(err)
	}
}

// notTested is the exit code of a script that could not begin.
const notTested = 77

// runScript runs one of testdata.
func runScript(t *testing.T, name string, args ...string) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() == notTested {
		t.Skipf("NOT TESTED: %s: %s", name, out)
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	t.Logf("%s", out)
}

// The package does under a real systemd what docs/install.md and docs/operation.md say: status line, watchdog, a reload
// that is refused, an upgrade, a drain, and what is left of it in the end.
func TestSystemd(t *testing.T) {
	t.Parallel()
	needPackages(t)
	needProgram(t, "systemd-nspawn", "systemd-container")
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: booting a machine needs root")
	}
	runScript(t, "systemd.sh", mustBuild(t, oldPackage), mustBuild(t, newPackage), mustBuild(t, benchProgram))
}
