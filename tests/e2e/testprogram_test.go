//go:build players

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// testProgram gives a function that builds testdata/NAME.c on a library, once, and tells where the program is. Without
// the library the test is skipped.
func testProgram(name, library string) func(*testing.T) string {
	build := sync.OnceValues(func() (string, error) {
		dir, err := builtDir()
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, name)
		source := filepath.Join("testdata", name+".c")
		out, err := exec.Command("gcc", "-Wall", "-O1", "-o", path, source, "-l"+library).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("gcc %s.c: %w\n%s", name, err, out)
		}
		return path, nil
	})
	return func(t *testing.T) string {
		t.Helper()
		path, err := build()
		if err != nil && strings.Contains(err.Error(), ".h: No such file") {
			needed(t, fmt.Sprintf("lib%[1]s (Debian: apt-get install lib%[1]s-dev)", library))
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}
