package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the smoke tests want of an attack that lasts a second, on a machine that does more than that: nobody is cut,
// nothing is missing. How late things come and what memory remains is for a quiet one, and for longer.
var attackLightly = []string{
	"-n", "20", "-newcomers", "5", "-duration", "1s", "-settle", "200ms", "-recover", "100ms", "-scale", "0.05",
	"-max-p99", "10000", "-max-join", "8s", "-max-growth", "10000",
}

// attackReport is the lines of one attack in what bench attack prints.
var attackReport = regexp.MustCompile(`(?m)^([a-z-]+): .*\n  attack +[1-9]\d* connections, [1-9]\d* requests .*\n` +
	`  honest +20 viewers, \d\d checked .*: 0 gaps; 0 disconnects\n(?:  .*\n)+?  verdict +good\n`)

// runAttack runs bench attack for attacks that should go well.
func runAttack(t *testing.T, kinds []string, args ...string) {
	t.Helper()
	args = slices.Concat([]string{"attack"}, attackLightly, args, kinds)
	fairly(t, func() (wrong []string) {
		out, err := exec.Command(mustBuild(t, benchProgram), args...).CombinedOutput()
		var names []string
		for _, m := range attackReport.FindAllStringSubmatch(string(out), -1) {
			names = append(names, m[1])
		}
		if err != nil || !slices.Equal(names, kinds) {
			wrong = append(wrong, fmt.Sprintf("bench %s: %v, reports of %q\n%s", strings.Join(args, " "), err, names, out))
		}
		return wrong
	})
}

// Each attack, against a pump that is started for it.
func TestAttacks(t *testing.T) {
	t.Parallel() // most of it is waiting
	kinds := []string{"via", "log", "tls-half", "tls-reset", "describe", "pipeline", "deaf", "guess"}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			runAttack(t, []string{kind}, "-pumpd", mustBuild(t, pumpdProgram))
		})
	}
}

// A pump that runs already.
func TestAttackFromOutside(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := startPump(t, "", pushStream("live"))
	push := append(append([]string(nil), synthetic...), fmt.Sprintf("http://%s/streams/live_push", p.addr))
	startBench(t, push...)
	waitLive(t, p.addr, streamPath("live"))
	runAttack(t, []string{"via", "pipeline"}, "-url", p.url("mmsh", "live"), "-pid", fmt.Sprint(p.cmd.Process.Pid))
}
