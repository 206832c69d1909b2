//go:build players

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// clone is a checkout of this commit in another directory.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pumpd")
	if out, err := exec.Command("git", "clone", "-q", repository, dir).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED, git clone: %v: %s", err, out)
	}
	return dir
}

// pack makes the package of a checkout.
func pack(t *testing.T, dir string) string {
	t.Helper()
	needProgram(t, "dpkg-deb", "dpkg")
	cmd := exec.Command("make", "deb")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make deb: %v\n%s", err, out)
	}
	list, err := filepath.Glob(filepath.Join(dir, "bin", "*.deb"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[0]
}

// The package is the same wherever it is made, and lives as packages do.
func TestPackage(t *testing.T) {
	t.Parallel()
	old := pack(t, clone(t))
	again := pack(t, clone(t))
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
	runScript(t, "package.sh", old, packNewer(t))
}

// packNewer makes the package of a commit that is newer than this checkout's.
func packNewer(t *testing.T) string {
	t.Helper()
	dir := clone(t)
	cmd := exec.Command("git", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "--allow-empty",
		"-m", "newer")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git commit: %v: %s", err, out)
	}
	return pack(t, dir)
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
	needProgram(t, "systemd-nspawn", "systemd-container")
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: booting a machine needs root")
	}
	runScript(t, "systemd.sh", pack(t, clone(t)), packNewer(t), mustBuild(t, benchProgram))
}
