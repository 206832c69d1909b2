package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A mute pump's log goes into a pipe that is as full as it gets. Its addresses are on standard output.
type mutePump struct {
	*process
	addr, admin string
	log         *os.File // the end of the pipe to read from
}

var (
	announced      = regexp.MustCompile(`watch\s+mmsh://([0-9.:]+)/`)
	adminAnnounced = regexp.MustCompile(`http://([0-9.:]+)/$`)
)

func startMute(t *testing.T) *mutePump {
	t.Helper()
	log, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	fillPipe(t, to)
	config := filepath.Join(t.TempDir(), "pump.toml")
	text := "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\nlog_level = \"debug\"\n" + fileStream("demo",
		"")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out := newTranscript()
	cmd := exec.Command(mustBuild(t, pumpdProgram), "-c", config)
	cmd.Stdout, cmd.Stderr = out, to
	m := &mutePump{log: log}
	if m.process, err = startProcess("pumpd", cmd, out); err != nil {
		t.Fatal(err)
	}
	to.Close()
	t.Cleanup(func() { m.terminate(stopTime) })
	if !poll(patience, m.found) {
		t.Fatalf("pumpd does not say where it listens:\n%s", out.tail(20))
	}
	return m
}

func (m *mutePump) found() bool {
	lines, _ := m.out.lines()
	for _, l := range lines {
		if found := announced.FindStringSubmatch(l.text); found != nil {
			m.addr = found[1]
		} else if found := adminAnnounced.FindStringSubmatch(l.text); found != nil {
			m.admin = found[1]
		}
	}
	return m.addr != "" && m.admin != ""
}

// fillPipe writes to a pipe as long as it takes anything. Its writers block from then on.
func fillPipe(t *testing.T, pipe *os.File) {
	t.Helper()
	raw, err := pipe.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		unix.SetNonblock(int(fd), true)
		for err = error(nil); err == nil; {
			_, err = unix.Write(int(fd), []byte("x"))
		}
		unix.SetNonblock(int(fd), false)
	})
	if err != unix.EAGAIN {
		t.Fatalf("filling a pipe: %v", err)
	}
}

// checkServes watches the demo for some packets and has some requests refused, each of which is a line of the log.
func (m *mutePump) checkServes(t *testing.T) {
	t.Helper()
	waitLive(t, m.addr, streamPath("demo"))
	for _, agent := range []string{agentOld, agentHTTP} {
		v := watch(t, m.addr, "demo", agent)
		for i := range 20 {
			if _, err := v.packet(i); err != nil {
				t.Fatalf("%s, packet %d: %v", agent, i, err)
			}
		}
		v.conn.Close()
		_, conn, _, err := get(m.addr, streamPath("none"), agent, "")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	answer, err := http.Get("http://" + m.admin + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("healthz: %s, want 200", answer.Status)
	}
}

// A log that nobody reads, as of a journald that hangs, stops nothing, not even the end.
func TestFullLog(t *testing.T) {
	t.Parallel()
	m := startMute(t)
	m.checkServes(t)
	if took, willing := m.terminate(stopTime); !willing || m.err != nil {
		t.Errorf("pumpd ended in %v with %v, want %v at most and 0", took, m.err, stopTime)
	}
}

// Whoever reads the log may be gone for good.
func TestBrokenLog(t *testing.T) {
	t.Parallel()
	m := startMute(t)
	m.log.Close() // its writer gets EPIPE, and SIGPIPE
	m.checkServes(t)
	if took, willing := m.terminate(stopTime); !willing || m.err != nil {
		t.Errorf("pumpd ended in %v with %v, want %v at most and 0", took, m.err, stopTime)
	}
}

// SIGHUP, at any time, is one line and no end. Nobody notices one that finds nothing new.
func TestHangup(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", fileStream("demo", ""))
	waitLive(t, p.addr, streamPath("demo"))
	v := watch(t, p.addr, "demo", agentOld)
	told := func() (n int) {
		lines, _ := p.out.lines()
		for _, l := range lines {
			if strings.Contains(l.text, "reload: nothing has changed") {
				n++
			}
		}
		return n
	}
	for i := range 3 {
		p.cmd.Process.Signal(syscall.SIGHUP)
		if !poll(patience, func() bool { return told() == i+1 }) {
			t.Fatalf("%d lines after SIGHUP number %d", told(), i+1)
		}
		if _, err := v.packet(i); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	for range 20 {
		p.cmd.Process.Signal(syscall.SIGHUP)
	}
	<-p.ended // startPump wants 0
}
