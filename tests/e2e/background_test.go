//go:build players

package e2e

import (
	"os/exec"
	"testing"
	"time"
)

// background runs a helper, such as an encoder, until the test is over; if it ends before, the test fails. Its output
// is shown if the test fails.
func background(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p, err := startProcess(name, cmd, newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-p.ended:
			t.Errorf("%s ended too early: %v", name, p.cmd.ProcessState)
		default:
			p.terminate(3 * time.Second)
		}
		if t.Failed() {
			t.Logf("%s printed at last:\n%s", name, p.out.tail(30))
		}
	})
	return p
}
