package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pump that cannot accept any more, here because somebody took its descriptors away, is no pump: it ends with exit 1
// and says why, so that whoever supervises it starts it anew.
func TestAcceptFails(t *testing.T) {
	t.Parallel()
	p := startPumpThatFails(t)
	// Those that are open stay, new ones must be below it.
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}, nil); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", p.addr); err == nil { // else it has ended before we knew that we are connected
		defer c.Close()
	}
	p.wantFault(t, "pumpd: gnet has stopped: Accept() failed due to error: too many open files")
}

// A second pump on a port is refused.
func TestSecondPumpOnAPort(t *testing.T) {
	t.Parallel()
	first := startPump(t, "", pushStream("live"))
	_, port, _ := net.SplitHostPort(first.addr)
	for _, addr := range []string{first.addr, ":" + port} {
		config := filepath.Join(t.TempDir(), "pump.toml")
		if err := os.WriteFile(config, []byte("[server]\nlisten = [\""+addr+"\"]\nadmin = \"\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(mustBuild(t, pumpdProgram), "-c", config).CombinedOutput()
		want := "pumpd: server.listen[0]: listen tcp " + addr + ": bind: address already in use\n"
		if err == nil || err.Error() != "exit status 1" || !bytes.HasSuffix(out, []byte(want)) {
			t.Errorf("%s: %v, %q, want exit 1 and %q", addr, err, out, want)
		}
	}
}

// startPumpThatFails is startPump for a pump that does not end as it should.
func startPumpThatFails(t *testing.T) *pump {
	t.Helper()
	config := filepath.Join(t.TempDir(), "pump.toml")
	text := "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin = \"\"\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	proc, err := startProcess("pumpd", exec.Command(mustBuild(t, pumpdProgram), "-c", config), newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.kill9)
	p := &pump{process: proc}
	p.addr = p.waitListening(t)
	return p
}

// wantFault wants the pump to end with exit 1 and a line.
func (p *pump) wantFault(t *testing.T, want string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		t.Fatalf("still running after %v", stopTime)
	}
	if p.err == nil || p.err.Error() != "exit status 1" {
		t.Errorf("%v, want exit 1", p.err)
	}
	lines, _ := p.out.lines()
	for _, l := range lines {
		if strings.TrimSpace(l.text) == want {
			return
		}
	}
	t.Errorf("pumpd printed:\n%s\nwant %q", p.out.tail(40), want)
}
