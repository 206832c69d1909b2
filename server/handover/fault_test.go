//go:build faults

package handover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A fault ends the program at its stage and at no other, as the environment says or a file that it names.
func TestFault(t *testing.T) {
	if os.Getenv("PUMPD_TEST_FAULT") != "" {
		Reach(Starting)
		Reach(Sending)
		return
	}
	file := filepath.Join(t.TempDir(), "fault")
	for _, c := range []struct {
		fault, text string
		killed      bool
	}{
		{"sending:kill", "", true},
		{"taking:kill", "", false},
		{file, "starting:kill\n", true},
		{file, "taking:kill", false},
		{"/absent", "", false},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestFault$")
		child.Env = append(os.Environ(), "PUMPD_TEST_FAULT=1", faultVariable+"="+c.fault)
		out, _ := child.CombinedOutput()
		status := child.ProcessState.Sys().(syscall.WaitStatus)
		killed := status.Signaled() && status.Signal() == syscall.SIGKILL
		if killed != c.killed || !killed && !child.ProcessState.Success() {
			t.Errorf("%s, %q: %v\n%s", c.fault, c.text, child.ProcessState, out)
		}
	}
	child := exec.Command(os.Args[0], "-test.run=^TestFault$")
	child.Env = append(os.Environ(), "PUMPD_TEST_FAULT=1", faultVariable+"=sending:explode")
	if out, err := child.CombinedOutput(); err == nil || !strings.Contains(string(out), "want STAGE:kill or STAGE:stop") {
		t.Errorf("a fault that is none: %v\n%s", err, out)
	}
}
