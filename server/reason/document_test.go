package reason

import (
	"os"
	"strings"
	"testing"
)

// Every reason is explained to who finds it in a log.
func TestReasonsAreExplained(t *testing.T) {
	b, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := None + 1; r < Count; r++ {
		if !strings.Contains(string(b), "\n| `"+r.String()+"` |") {
			t.Errorf("docs/troubleshooting.md has no %s", r)
		}
	}
}
