package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// variable names the descriptor of the socket in the new program's environment.
const variable = "PUMPD_HANDOVER"

// Own is the path of the program that runs: of what is there now, if it has been replaced.
func Own() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(self, " (deleted)"), nil
}

// A Child is the new program.
type Child struct {
	*Conn
	PID    int
	Exited <-chan error // when it has ended: how, nil is exit code 0; then it is closed
	kill   func() error
}

// Kill ends it at once.
func (c *Child) Kill() { _ = c.kill() } // it may have ended

// Start runs a program with arguments and an environment, and with one end of a way to it. An error names the program.
func Start(program string, args, env []string, stdout, stderr *os.File) (*Child, error) {
	if err := runnable(program); err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	const socket = 3 // the first of ExtraFiles
	cmd := exec.Command(program, args...)
	cmd.Env = childEnvironment(env, socket)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	exited := make(chan error, 1)
	go func() {
		exited <- cmd.Wait()
		close(exited)
	}()
	return &Child{Conn: ours, PID: cmd.Process.Pid, Exited: exited, kill: cmd.Process.Kill}, nil
}

// runnable says what is wrong with a program before there is a process for it.
func runnable(program string) error {
	info, err := os.Stat(program)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "run", Path: program, Err: errors.New("is not a file")}
	case unix.Access(program, unix.X_OK) != nil:
		return &fs.PathError{Op: "run", Path: program, Err: unix.EACCES}
	}
	return nil
}

// childEnvironment is what the new program finds. The service manager's watchdog is for the process that it has
// started, and will be for the new one: without WATCHDOG_PID it is for whoever reads that.
func childEnvironment(env []string, socket int) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, variable+"=") || strings.HasPrefix(v, "WATCHDOG_PID=")
	})
	return append(env, variable+"="+strconv.Itoa(socket))
}

// pair makes two sockets, the second one as a file for another program.
func pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "handover")
	ours, err := connOf(fds[0])
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// connOf makes a Conn of a descriptor, which is its own from then on, or closed.
func connOf(fd int) (*Conn, error) {
	file := os.NewFile(uintptr(fd), "handover")
	defer file.Close() // FileConn has another
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok || unixConn.LocalAddr().Network() != "unix" {
		conn.Close()
		return nil, fmt.Errorf("descriptor %d is a socket of %s, want a Unix stream", fd, conn.LocalAddr().Network())
	}
	return newConn(unixConn), nil
}

// FromEnvironment is the way to the old program, nil if this one was started by nobody like that. It is taken out of
// the environment, and is not for programs that this one starts.
func FromEnvironment() (*Conn, error) {
	value, given := os.LookupEnv(variable)
	if !given {
		return nil, nil
	}
	if err := os.Unsetenv(variable); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s: %.80q, want the number of a descriptor, 3 or more", variable, value)
	}
	syscall.CloseOnExec(fd)
	c, err := connOf(fd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return c, nil
}

// Keep has FromEnvironment find it again in the program that takes this process's place by exec. It is good for nothing
// else afterwards.
func (c *Conn) Keep() error {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return err
	}
	var copied int
	var failed error
	if err := raw.Control(func(fd uintptr) { copied, failed = unix.Dup(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return os.NewSyscallError("dup", failed)
	}
	return os.Setenv(variable, strconv.Itoa(copied))
}
