package e2e

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// A process is a started program with its output, and a channel that tells its end.
type process struct {
	name   string
	cmd    *exec.Cmd
	out    *transcript
	ended  chan struct{}
	err    error // of Wait, once ended is closed
	killed bool  // by kill9
}

// startProcess starts a program; what it prints goes to out. The kernel ends it with this test, however that ends.
func startProcess(name string, cmd *exec.Cmd, out *transcript) (*process, error) {
	p := &process{name: name, cmd: cmd, out: out, ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = out
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.WaitDelay = 5 * time.Second // for a grandchild that keeps the output open; we too may take a while to read it
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// terminate asks the process to end and kills it if it does not within patience. It gives the time it took and whether
// the process ended by itself.
func (p *process) terminate(patience time.Duration) (took time.Duration, willing bool) {
	begin := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return time.Since(begin), true
	case <-timer.C:
		p.cmd.Process.Kill()
		<-p.ended
		return time.Since(begin), false
	}
}

// kill9 ends the process without a chance to say anything, and waits until it is gone.
func (p *process) kill9() {
	p.killed = true
	p.cmd.Process.Kill()
	<-p.ended
}
