package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namedNamespaces is where ip(8) keeps them.
const namedNamespaces = "/run/netns"

// madePrefix and the process id are the name of a namespace that nobody named.
const madePrefix = "link-"

// makeNamespace makes the namespace of that name, unless it is there or a path, and tells whether it did.
func makeNamespace(name string) (made bool, err error) {
	if _, err := os.Stat(namespacePath(name)); err == nil {
		return false, nil
	}
	if strings.Contains(name, "/") {
		return false, fmt.Errorf("namespace %s: there is no such file", name)
	}
	err = ip("netns", "add", name)
	return err == nil, err
}

func namespacePath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return filepath.Join(namedNamespaces, name)
}

// sweep removes namespaces whose process was killed before it could do so itself. Another link may be at it too.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(namedNamespaces, madePrefix+"*"))
	for _, path := range left {
		name := filepath.Base(path)
		pid, err := strconv.Atoi(strings.TrimPrefix(name, madePrefix))
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			ip("netns", "del", name)
		}
	}
}

// inside runs f on a thread that is in the namespace at path. Programs that f starts are there too.
func inside(path string, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread, which is elsewhere now, ends with this goroutine
		result <- func() error {
			there, err := os.Open(path)
			if err != nil {
				return err
			}
			defer there.Close()
			if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering %s: %w", path, err)
			}
			return f()
		}()
	}()
	return <-result
}

// inUse is an error if an address is this machine's already: packets would not take the line.
func inUse(addr string) error {
	ours, err := net.InterfaceAddrs()
	for _, a := range ours {
		if own, ok := a.(*net.IPNet); ok && own.IP.String() == addr {
			return fmt.Errorf("%s is an address of this machine already, perhaps another link's: give other ones", addr)
		}
	}
	return err
}

// ip runs ip(8) in the namespace of this thread.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
