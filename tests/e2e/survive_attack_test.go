package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
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

// runAttack runs bench attack and gives the names of attacks that went well.
func runAttack(t *testing.T, args ...string) []string {
	t.Helper()
	args = append(append([]string{"attack"}, attackLightly...), args...)
	out, err := exec.Command(mustBuild(t, benchProgram), args...).CombinedOutput()
	if err != nil {
		t.Errorf("bench %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	var names []string
	for _, m := range attackReport.FindAllStringSubmatch(string(out), -1) {
		names = append(names, m[1])
	}
	return names
}

// Each attack, against a pump that is started for it.
func TestAttacks(t *testing.T) {
	t.Parallel() // most of it is waiting
	kinds := []string{"via", "log", "tls-half", "tls-reset", "describe", "pipeline", "deaf", "guess"}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if names := runAttack(t, "-pumpd", mustBuild(t, pumpdProgram), kind); len(names) != 1 || names[0] != kind {
				t.Errorf("reports of %q", names)
			}
		})
	}
}

// A pump that runs already.
func TestAttackFromOutside(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := startPump(t, "", pushStream("live"))
	push := append(append([]string(nil), synthetic...), fmt.Sprintf("http://%s/streams/live_push", p.addr))
	startBench(t, push...)
	names := runAttack(t, "-url", p.url("mmsh", "live"), "-pid", fmt.Sprint(p.cmd.Process.Pid), "via", "pipeline")
	if fmt.Sprint(names) != "[via pipeline]" {
		t.Errorf("reports of %q", names)
	}
}
