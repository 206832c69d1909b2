package e2e

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// Ten upgrades in a row, while viewers watch what is pushed, pulled and played from a file: what the last process has
// of descriptors, goroutines and memory is what the second one had.
func TestUpgradesLeaveNothing(t *testing.T) {
	t.Parallel()
	const upgrades, viewers = 10, 20
	above := startPump(t, "", pushStream("live"))
	l := startLineage(t, pumpdProgram, adminAnywhere+"\nloops = 2\n"+debugLog,
		pushStream("live")+pullStream("pulled", above.url("mmsh", "live"))+fileStream("demo", ""))
	for _, addr := range []string{l.addr, above.addr} {
		startBench(t, append(append([]string(nil), synthetic...), "-content-length", "9000", // some are between two requests
			"http://"+addr+streamPath("live_push"))...)
	}
	var checks []func()
	for _, stream := range []string{"live", "pulled", "demo"} {
		waitLive(t, l.addr, streamPath(stream))
		checks = append(checks, loaded(t, viewers, "mmsh://"+l.addr+streamPath(stream)))
	}
	l.joined(t, viewers*len(checks))
	var first, last belongings
	for i := range upgrades {
		l.upgraded(t)
		if i > 0 {
			continue
		}
		poll(awaitTime, func() bool { // what had asked it is gone
			before := first
			first = l.belongings(t)
			return first.files == before.files
		})
	}
	const noise = 8 << 20             // the collector's
	if !poll(awaitTime, func() bool { // gnet's own goroutines end when they have had nothing to do for ten seconds
		last = l.belongings(t)
		return last.files == first.files && last.goroutines <= first.goroutines &&
			math.Abs(float64(last.memory-first.memory)) <= noise
	}) {
		t.Errorf("after %d upgrades the process has %+v, after the first it had %+v", upgrades, last, first)
	}
	t.Logf("first %+v, last %+v", first, last)
	for _, check := range checks {
		check()
	}
}

// belongings are what a process has of the machine.
type belongings struct {
	files, goroutines int
	memory            int64          // bytes that are resident
	kinds             map[string]int // of the files
}

func (l *lineage) belongings(t *testing.T) (b belongings) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", l.serving(t))             // so it is there that is asked next
	b.goroutines = int(l.admin(t).metric(t, "go_goroutines")) // first: it takes a connection, which stays
	open, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	b.files, b.kinds = len(open), map[string]int{}
	for _, f := range open {
		if to, err := os.Readlink(proc + "/fd/" + f.Name()); err == nil {
			b.kinds[strings.TrimRight(to, "0123456789[]")]++
		}
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscanf(rest, "%d kB", &b.memory); err != nil {
		t.Fatal(err)
	}
	b.memory <<= 10
	return b
}
