//go:build players

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// missing remembers the tests that were skipped for want of a program, for the summary.
var missing struct {
	sync.Mutex
	tests map[string][]string // by "program (Debian: package)"
}

// needProgram gives the path of a program. Without it the test is skipped, or fails where CI=true: there a skip would
// go unnoticed.
func needProgram(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		needed(t, fmt.Sprintf("%s (Debian: apt-get install %s)", program, debianPackage))
	}
	return path
}

// needed ends a test that cannot run without what.
func needed(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needs %s", what)
	}
	missing.Lock()
	if missing.tests == nil {
		missing.tests = map[string][]string{}
	}
	missing.tests[what] = append(missing.tests[what], t.Name())
	missing.Unlock()
	t.Skipf("NOT TESTED: needs %s", what)
}

func init() { atEnd = append(atEnd, func() { printMissing(os.Stderr) }) }

// printMissing writes a line for every program that was not there.
func printMissing(w io.Writer) {
	missing.Lock()
	defer missing.Unlock()
	for what, tests := range missing.tests {
		slices.Sort(tests)
		fmt.Fprintf(w, "NOT TESTED for want of %s: %s\n", what, strings.Join(tests, ", "))
	}
}
