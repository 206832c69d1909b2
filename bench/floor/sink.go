package floor

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// SinkCommand is the command of this program that Measure runs: SinkCommand ADDR N PAUSE connects N sockets to ADDR and
// drains them with that pause between two looks at them, until the end of its standard input.
const SinkCommand = "sink"

// A sink is the child process that does so.
type sink struct {
	cmd   *exec.Cmd
	alive io.Closer // its standard input: the child ends when this is closed, also when we die
}

func startSink(port, n int, drain time.Duration) (*sink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, SinkCommand, fmt.Sprintf("127.0.0.1:%d", port), strconv.Itoa(n), drain.String())
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
