package e2e

import (
	"os/exec"
	"syscall"
	"testing"
)

// startBench runs a command of bench until the test is over or the test kills it. What it prints is shown if the test
// fails.
func startBench(t *testing.T, args ...string) *process {
	t.Helper()
	return startTool(t, "bench "+args[0], exec.Command(mustBuild(t, benchProgram), args...))
}

// startTool runs a helper that a test may kill.
func startTool(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p, err := startProcess(name, cmd, newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill9()
		if t.Failed() {
			t.Logf("%s printed at last:\n%s", name, p.out.tail(10))
		}
	})
	return p
}

// A synthetic encoder sends packets that carry a number each, one every 56 ms, and a key frame twice a second.
var synthetic = []string{"push", "-synthetic", "-bitrate", "200k", "-packet", "1400", "-gop", "500ms"}

// otherSynthetic has another header.
var otherSynthetic = []string{"push", "-synthetic", "-bitrate", "160k", "-packet", "1000", "-gop", "500ms"}

// startEncoder pushes to a pump as kind says.
func startEncoder(t *testing.T, m *mortal, stream string, kind []string, more ...string) *process {
	t.Helper()
	args := append(append([]string(nil), kind...), more...)
	return startBench(t, append(args, m.pushURL(stream))...)
}

// pause stops a process as SIGSTOP does: its connections stay open and silent.
func (p *process) pause() { p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) resume() { p.cmd.Process.Signal(syscall.SIGCONT) }
