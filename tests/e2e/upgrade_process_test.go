package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	// faultyProgram is pumpd that can be made to end or to stop at a stage of an upgrade, see package handover.
	faultyProgram = sync.OnceValues(func() (string, error) { return build("faulty", ".", "-tags", "faults") })
	// firstProgram is pumpd as the first process of a namespace, as in a container.
	firstProgram = sync.OnceValues(func() (string, error) {
		pumpd, err := pumpdProgram()
		if err != nil {
			return "", err
		}
		script := filepath.Join(filepath.Dir(pumpd), "first.sh")
		text := fmt.Sprintf("#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc %s \"$@\"\n", pumpd)
		return script, os.WriteFile(script, []byte(text), 0o755)
	})
	// strangeProgram is one that understands nothing of what is handed over to it.
	strangeProgram = sync.OnceValues(func() (string, error) {
		return build("strange", ".", "-tags", "faults", "-ldflags", "-X pumpd/server/handover.otherVersion=yes")
	})
)

// A lineage is a pump and those that take over from it, one after the other. All of them write to one log.
type lineage struct {
	dir, program, config, fault string
	first                       *exec.Cmd
	ended                       chan error // of the first one
	addr                        string
}

// startLineage starts a program by a name of its own, where tests may put another one.
func startLineage(t *testing.T, program func() (string, error), server, more string, env ...string) *lineage {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pumpd-upgrade-") // not below the test's own, which other users cannot enter
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l := &lineage{
		dir: dir, program: filepath.Join(dir, "pumpd"), config: filepath.Join(dir, "pump.toml"),
		fault: filepath.Join(dir, "fault"), ended: make(chan error, 1),
	}
	l.install(t, program)
	configure(t, l.config, server, more)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	l.first = exec.Command(l.program, "-c", l.config)
	l.first.Env = append(append(os.Environ(), "PUMPD_FAULT="+l.fault), env...)
	l.first.Stdout, l.first.Stderr = log, log // files: the next ones have them too
	l.first.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := l.first.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { l.ended <- l.first.Wait() }()
	t.Cleanup(func() {
		syscall.Kill(-l.first.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("log:\n%s", l.log(t))
		}
		os.RemoveAll(dir)
	})
	m := l.says(t, `msg=listening addresses="?\[([^\] ]+)`)
	l.addr = m[1]
	return l
}

// install puts a program where the pump has been started from.
func (l *lineage) install(t *testing.T, program func() (string, error)) {
	t.Helper()
	err := os.Link(mustBuild(t, program), l.program+".new") // a copy could be held open by a child while it is run
	if err == nil {
		err = os.Rename(l.program+".new", l.program)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (l *lineage) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// says waits for what a pattern matches in the log.
func (l *lineage) says(t *testing.T, pattern string) (found []string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	if !poll(patience, func() bool { found = re.FindStringSubmatch(l.log(t)); return found != nil }) {
		t.Fatalf("the log has no %q", pattern)
	}
	return found
}

// setFault has the program fail from now on, "" nowhere.
func (l *lineage) setFault(t *testing.T, fault string) {
	t.Helper()
	if err := os.WriteFile(l.fault+".new", []byte(fault), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.fault+".new", l.fault); err != nil {
		t.Fatal(err)
	}
}

// upgrade is "pumpd -upgrade".
func (l *lineage) upgrade(args ...string) (out string, err error) {
	all, err := exec.Command(l.program, append([]string{"-upgrade", "-c", l.config}, args...)...).CombinedOutput()
	return string(all), err
}

// serving is whose process answers.
func (l *lineage) serving(t *testing.T) int {
	t.Helper()
	out, err := l.upgrade("/absent")
	m := regexp.MustCompile(`process (\d+) of`).FindStringSubmatch(out)
	if err == nil || m == nil {
		t.Fatalf("nobody is there: %v, %q", err, out)
	}
	pid, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// gone waits until a process is no more.
func gone(t *testing.T, pid int) {
	t.Helper()
	if !poll(patience, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }) {
		t.Errorf("process %d is still there", pid)
	}
}

// plays checks that the pump lets somebody watch.
func (l *lineage) plays(t *testing.T) {
	t.Helper()
	waitLive(t, l.addr, streamPath("demo"))
	v := watch(t, l.addr, "demo", agentOld)
	defer v.conn.Close()
	if _, err := v.packet(0); err != nil {
		t.Error(err)
	}
}

// Whoever asks hears how it goes, the first process ends well, the next one has the name and the signal; a program that
// was replaced on the disk is taken from where it was.
func TestUpgradeAsked(t *testing.T) {
	t.Parallel()
	l := startLineage(t, pumpdProgram, "", fileStream("demo", ""))
	first := l.serving(t)
	l.install(t, pumpdProgram)
	out, err := l.upgrade()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "is asked\nstarting\ngreeting\nfreezing\nsending\ncommitted\nupgraded\n"
	if _, steps, _ := strings.Cut(out, fmt.Sprintf("process %d of user %d ", first, os.Getuid())); steps != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if err := <-l.ended; err != nil {
		t.Errorf("the first process ends with %v", err)
	}
	second := l.serving(t)
	l.plays(t)
	if err := syscall.Kill(second, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	gone(t, second)
	third := l.serving(t)
	if third == first || third == second {
		t.Errorf("process %d after %d and %d", third, first, second)
	}
	l.plays(t)
	if err := syscall.Kill(third, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	gone(t, third)
	if out, err := l.upgrade(); err == nil || !strings.Contains(out, "no pump runs by this configuration") {
		t.Errorf("when all are gone: %v, %q", err, out)
	}
}

// Nothing happens to the pump by an upgrade that cannot be, and whoever asks hears why.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	// What hangs takes all of that, and what does not must not, on a machine that has much else to do.
	l := startLineage(t, faultyProgram, "", fileStream("demo", "")+"[timeouts]\nupgrade = \"6s\"\n")
	first := l.serving(t)
	plain := filepath.Join(l.dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, program, want string
		prepare             func()
	}{
		{"no such program", "/absent", "stat /absent: no such file or directory", nil},
		{"a directory", l.dir, l.dir + ": is not a file", nil},
		{"not to be run", plain, plain + ": permission denied", nil},
		{"ends at once", "/bin/true", "the new program has ended", nil},
		{"does nothing", "/bin/cat", "the new program", nil},
		{"another version", mustBuild(t, strangeProgram), "viewers cannot move", nil},
		{"hangs", "", "in time", func() { l.setFault(t, "loading:stop") }},
		{"dies", "", "signal: killed", func() { l.setFault(t, "prepared:kill") }},
		{"a bad configuration", "", l.config + ":4: server.burst: \"x\"", func() {
			l.setFault(t, "")
			configure(t, l.config, "burst = \"x\"\nnone = 1", fileStream("demo", ""))
		}},
	} {
		if c.prepare != nil {
			c.prepare()
		}
		var args []string
		if c.program != "" {
			args = []string{c.program}
		}
		out, err := l.upgrade(args...)
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, %q, want exit code 1 and %q", c.name, err, out, c.want)
		}
		if now := l.serving(t); now != first {
			t.Fatalf("%s: process %d serves, want %d", c.name, now, first)
		}
		l.plays(t)
	}
	if children, err := exec.Command("pgrep", "-P", strconv.Itoa(first)).Output(); err == nil {
		t.Errorf("new processes are left: %s", children)
	}
	configure(t, l.config, "", fileStream("demo", ""))
	if out, err := l.upgrade(); err != nil {
		t.Errorf("with all mended: %v\n%s", err, out)
	}
}

// Of two at once the second one is refused. Whoever is told to end before it has handed over ends, and the new program
// with it.
func TestUpgradeMeanwhile(t *testing.T) {
	t.Parallel()
	l := startLineage(t, faultyProgram, "", fileStream("demo", "")+"[timeouts]\ndrain = \"1s\"\n")
	first := l.serving(t)
	l.setFault(t, "loading:stop")
	done := make(chan string, 1)
	go func() {
		out, _ := l.upgrade()
		done <- out
	}()
	pid, err := strconv.Atoi(l.says(t, `msg="upgrade: the new program is started" pid=(\d+)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	if out, err := l.upgrade(); err == nil || !strings.Contains(out, "an upgrade is going on already") {
		t.Errorf("the second one at once: %v, %q", err, out)
	}
	if err := syscall.Kill(first, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.says(t, "reload refused, .*upgrade")
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if out := <-done; !strings.Contains(out, "starting\n") || strings.Contains(out, "upgraded") {
		t.Errorf("who asked heard %q", out)
	}
	gone(t, pid)
	if err := <-l.ended; err != nil {
		t.Errorf("the first process ends with %v", err)
	}
}

// Another user than the pump's may not have it run what it likes.
func TestUpgradeOfOthers(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: other users, for which root is needed")
	}
	l := startLineage(t, pumpdProgram, "", fileStream("demo", ""))
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		l.program, "-upgrade", "-c", l.config)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "user 65534 may not ask for an upgrade, only root and user 0 may") {
		t.Errorf("%v, %q", err, out)
	}
	if strings.Contains(l.log(t), "upgrade: the new program") {
		t.Error("a program was started")
	}
}

// A manager is told by the old process which one is the main one now, and by that one that it lives. A new program of
// another version has the old one drain and end, so that it is started anew.
func TestUpgradeUnderManager(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	m := newScriptedManager(t, socket)
	l := startLineage(t, pumpdProgram, "", fileStream("demo", ""), "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=30000000")
	first := l.first.Process.Pid
	m.hear("READY=1", first)
	if out, err := l.upgrade(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := m.hear("MAINPID=", first)
	second, err := strconv.Atoi(regexp.MustCompile(`MAINPID=(\d+)`).FindStringSubmatch(text)[1])
	if err != nil {
		t.Fatal(err)
	}
	m.hear("WATCHDOG=1", second)
	configure(t, l.config, "loops = 3", fileStream("demo", ""))
	if err := syscall.Kill(second, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.says(t, `reload: for some keys another process takes over" keys=server.loops`)
	third, err := strconv.Atoi(regexp.MustCompile(`MAINPID=(\d+)`).FindStringSubmatch(m.hear("MAINPID=", second))[1])
	if err != nil {
		t.Fatal(err)
	}
	m.hear("WATCHDOG=1", third)
	l.says(t, `loops=3`)
	l.install(t, strangeProgram)
	out, err := l.upgrade()
	if err == nil || !strings.Contains(out, "the service manager starts the new program") {
		t.Errorf("%v, %q", err, out)
	}
	m.hear("STOPPING=1", third)
	l.says(t, "viewers cannot move, so they are sent away and the service manager starts the new program")
	l.says(t, "pumpd: ended for a program that cannot take over")
	gone(t, third)
}

// Elsewhere a reload leaves them: who has started the first process may not know of another one.
func TestUpgradeNotByReload(t *testing.T) {
	t.Parallel()
	l := startLineage(t, pumpdProgram, "", fileStream("demo", ""))
	configure(t, l.config, "loops = 3", fileStream("demo", ""))
	if err := l.first.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.says(t, `some keys count from the next start on" keys=server.loops`)
	if strings.Contains(l.log(t), "upgrade: ") {
		t.Error("the reload has begun an upgrade")
	}
	l.plays(t)
}

// A container ends with its first process, so that one goes on.
func TestUpgradeOfFirstProcess(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: a first process, for which root is needed")
	}
	l := startLineage(t, firstProgram, "", fileStream("demo", ""))
	out, err := exec.Command(mustBuild(t, pumpdProgram), "-upgrade", "-c", l.config).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this is the first process of a container") {
		t.Errorf("%v, %s", err, out)
	}
	l.plays(t)
}

// A scriptedManager hears what processes say, and who says it.
type scriptedManager struct {
	t      *testing.T
	socket *net.UnixConn
}

func newScriptedManager(t *testing.T, socket *net.UnixConn) *scriptedManager {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	})
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return &scriptedManager{t, socket}
}

// hear waits until a process says something, and gives all that it said with it.
func (m *scriptedManager) hear(want string, pid int) string {
	m.t.Helper()
	m.socket.SetReadDeadline(time.Now().Add(patience))
	b, oob := make([]byte, 4096), make([]byte, 128)
	for {
		n, oobn, _, _, err := m.socket.ReadMsgUnix(b, oob)
		if err != nil {
			m.t.Fatalf("process %d never said %s: %v", pid, want, err)
		}
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(messages) != 1 {
			m.t.Fatalf("%d control messages, %v", len(messages), err)
		}
		who, err := unix.ParseUnixCredentials(&messages[0])
		if err != nil {
			m.t.Fatal(err)
		}
		if int(who.Pid) == pid && strings.Contains(string(b[:n]), want) {
			return string(b[:n])
		}
	}
}
