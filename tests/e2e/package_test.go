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
	newer := clone(t)
	for _, args := range [][]string{
		{"-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "--allow-empty", "-m", "newer"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = newer
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	script, err := filepath.Abs(filepath.Join("testdata", "package.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(script, old, pack(t, newer)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
