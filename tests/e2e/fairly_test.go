package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// fairly does what keeps real time, as players do and programs that stand for a line, and fails for what was wrong with
// it. Where something was, and the machine had next to no time left for it, it is done once more.
func fairly(t *testing.T, do func() (wrong []string)) {
	t.Helper()
	const busy = 0.9
	used, all := ticks(t)
	wrong := do()
	if len(wrong) == 0 {
		return
	}
	nowUsed, nowAll := ticks(t)
	if share := float64(nowUsed-used) / float64(max(nowAll-all, 1)); share > busy {
		t.Logf("%.0f %% of the machine were in use: %q", 100*share, wrong)
		wrong = do()
	}
	for _, text := range wrong {
		t.Error(text)
	}
}

// ticks is for how long the machine's cores have been used since it was started, and for how long they could have been,
// as in proc(5).
func ticks(t *testing.T) (used, all int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all += n
		if i != 3 && i != 4 {
			used += n
		}
	}
	return used, all
}
