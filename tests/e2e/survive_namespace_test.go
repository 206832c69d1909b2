package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A namespace is a network of its own, joined to ours by a cable that can be pulled: what is sent then gets nowhere and
// comes back as nothing, neither as a FIN nor as a reset. It is gone when its holder is.
type namespace struct {
	t      *testing.T
	holder string // process id
	here   string // address of our end of the cable
	there  string
}

// newNamespace needs root and iproute2. Without them the test is skipped, and that is said again at the end.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		skipLoudly(t, "root, for a network namespace")
	}
	for _, program := range []string{"ip", "nsenter", "sleep"} {
		if _, err := exec.LookPath(program); err != nil {
			skipLoudly(t, program+" (Debian: iproute2, util-linux, coreutils)")
		}
	}
	cmd := exec.Command("sleep", "1h")
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	holder, err := startProcess("sleep", cmd, newTranscript())
	if err != nil {
		skipLoudly(t, fmt.Sprintf("a kernel that allows network namespaces (%v)", err))
	}
	t.Cleanup(holder.kill9)
	n := &namespace{t: t, holder: strconv.Itoa(cmd.Process.Pid)}
	n.here, n.there = cableEnds(cmd.Process.Pid)
	cable := "pump" + n.holder
	n.ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", n.holder)
	n.ip("addr", "add", n.here+"/30", "dev", cable)
	n.ip("link", "set", cable, "up")
	n.inside("ip", "addr", "add", n.there+"/30", "dev", "eth0")
	n.plug()
	return n
}

// cableEnds are addresses that a process has for itself: 198.18.0.0/15 is for such tests (RFC 2544), and its id keeps
// two runs apart.
func cableEnds(pid int) (here, there string) {
	end := func(i int) string { return fmt.Sprintf("198.%d.%d.%d", 18+pid>>14&1, pid>>6&255, pid&63*4+i) }
	return end(1), end(2)
}

func (n *namespace) ip(args ...string) { n.do(exec.Command("ip", args...)) }

// inside runs a command in the namespace.
func (n *namespace) inside(args ...string) { n.do(n.command(args...)) }

func (n *namespace) command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", n.holder, "-n"}, args...)...)
}

func (n *namespace) do(cmd *exec.Cmd) {
	n.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(cmd.Args, " "), err, out)
	}
}

// unplug pulls the cable at the far end, plug puts it in again.
func (n *namespace) unplug() { n.t.Helper(); n.inside("ip", "link", "set", "eth0", "down") }
func (n *namespace) plug()   { n.t.Helper(); n.inside("ip", "link", "set", "eth0", "up") }

// impair makes the cable a bad one, in both directions: by tc netem, or, where the kernel has none, by bench link in
// its place.
func (n *namespace) impair(delay, loss string) {
	n.t.Helper()
	netem := func(device string) []string {
		return []string{"tc", "qdisc", "add", "dev", device, "root", "netem", "delay", delay, "loss", loss}
	}
	ours := netem("pump" + n.holder)
	if out, err := exec.Command(ours[0], ours[1:]...).CombinedOutput(); err != nil {
		n.t.Logf("no tc netem, bench link instead (%v: %s)", err, bytes.TrimSpace(out))
		n.emulate("-delay", delay, "-loss", loss)
		return
	}
	n.inside(netem("eth0")...)
}

// dial connects from inside the namespace. The connection stays there.
func (n *namespace) dial(addr string) (net.Conn, error) {
	ours, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	theirs, err := os.Open("/proc/" + n.holder + "/ns/net")
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, os.NewSyscallError("setns", err)
	}
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err := unix.Setns(int(ours.Fd()), unix.CLONE_NEWNET); err != nil {
		panic(err) // this thread, and all that it starts, would stay there
	}
	return conn, err
}

// skipped remembers the tests that could not run, for a line each when all tests are over.
var skipped struct {
	sync.Mutex
	lines []string
}

func skipLoudly(t *testing.T, what string) {
	t.Helper()
	skipped.Lock()
	skipped.lines = append(skipped.lines, fmt.Sprintf("NOT TESTED for want of %s: %s", what, t.Name()))
	skipped.Unlock()
	t.Skipf("NOT TESTED: needs %s", what)
}

func init() {
	atEnd = append(atEnd, func() {
		skipped.Lock()
		defer skipped.Unlock()
		for _, text := range skipped.lines {
			fmt.Fprintln(os.Stderr, text)
		}
	})
}
