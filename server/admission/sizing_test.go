package admission

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pumpd/server/config"
)

// The table of docs/sizing.md says what viewers are reckoned to take here.
func TestSizing(t *testing.T) {
	document, err := os.ReadFile("../../docs/sizing.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (\d+) ([kM])bit/s, (\d+) \| (\d+) kbit/s \| (.*) \|$`)
	reserve := config.Default().Server.UplinkReserve
	rows := row.FindAllStringSubmatch(string(document), -1)
	if len(rows) < 5 {
		t.Fatalf("%d rows, want 5", len(rows))
	}
	for _, r := range rows {
		bits, packet := number(t, r[1])*map[string]int64{"k": 1e3, "M": 1e6}[r[2]], number(t, r[3])
		a := newAccount()
		a.declare(bits, int(packet))
		a.reckon()
		takes := a.cost[0].line
		if want := fmt.Sprintf("%.0f", float64(takes)/1e3); r[4] != want {
			t.Errorf("%s: %s kbit/s, want %s", r[0], r[4], want)
		}
		for i, line := range []int64{20e6, 100e6, 1e9, 10e9} {
			want := (line - reserve.Of(line)) / takes
			if got := number(t, strings.Split(r[5], " | ")[i]); got != want {
				t.Errorf("%s: %d viewers at %d bit/s, want %d", r[0], got, line, want)
			}
		}
	}
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
