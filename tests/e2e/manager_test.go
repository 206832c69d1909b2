package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A service manager hears when pumpd listens, reloads, and stops, and that it lives.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, config := filepath.Join(dir, "notify"), filepath.Join(dir, "pump.toml")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text := "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin = \"\"\n" + pushStream("live")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(mustBuild(t, pumpdProgram), "-c", config)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=30000000")
	proc, err := startProcess("pumpd", cmd, newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	p := &pump{process: proc}
	t.Cleanup(func() { p.close(t) })
	hear := func(want string) {
		t.Helper()
		l.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 4096)
		for {
			n, err := l.Read(b)
			if err != nil {
				t.Fatalf("%s was never told: %v", want, err)
			}
			if strings.Contains(string(b[:n]), want) {
				return
			}
		}
	}
	hear("READY=1\nSTATUS=0 of 1 streams live, 0 viewers")
	hear("WATCHDOG=1")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	hear("RELOADING=1")
	hear("READY=1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
	<-p.ended // a second signal would kill it
}
