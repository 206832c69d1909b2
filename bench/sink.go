package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A sink is a child process that connects many sockets and drains them.
type sink struct {
	cmd   *exec.Cmd
	alive io.Closer // its standard input: the child ends when this is closed, also when we die
}

func startSink(port, n int, drain time.Duration) (*sink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "sink", fmt.Sprintf("127.0.0.1:%d", port), strconv.Itoa(n), drain.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &sink{cmd, in}, nil
}

func (s *sink) stop() {
	s.alive.Close()
	s.cmd.Wait()
}

// runSink is the child: bench sink ADDR N PAUSE.
func runSink(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) != 3 {
		return errUsage
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	drain, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	l, err := newLoad(loadOptions{urls: []string{"http://" + args[0] + "/"}, bare: true, viewers: n, sample: "0", ramp: 5000, drain: drain, sources: 8, patience: 15 * time.Second}, io.Discard)
	if err != nil {
		return err
	}
	if err := l.startWorkers(); err != nil {
		return err
	}
	l.rampUp(ctx)
	io.Copy(io.Discard, os.Stdin)
	l.halt()
	return nil
}
