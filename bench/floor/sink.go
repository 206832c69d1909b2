package floor

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A sink is the child process that connects many sockets and drains them.
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
