// Package systemd tells the service manager that has started the program how it is, as sd_notify(3) has it: datagrams
// to the socket that NOTIFY_SOCKET names. Without one, nothing is told.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pumpd/server/clock"
)

// A Manager is who is to be told. A nil one is nobody. Any goroutine may tell; what cannot be sent at once is lost.
type Manager struct {
	conn     *net.UnixConn
	watchdog time.Duration
}

// FromEnvironment is the manager that has started us, nil without one. It opens the socket at once: later the process
// may not be allowed to. An error says why it cannot be told anything.
func FromEnvironment() (*Manager, error) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "@") {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %.200q, want a path or @name", name)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return &Manager{conn: conn, watchdog: watchdog(os.Getenv, os.Getpid())}, nil
}

// watchdog is how often the manager wants to hear that process pid lives: sd_watchdog_enabled(3); 0 is never.
func watchdog(env func(string) string, pid int) time.Duration {
	if of := env("WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return 0
	}
	us, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 || us > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// Watchdog is how long the manager waits for Alive before it kills the process; 0 is for ever.
func (m *Manager) Watchdog() time.Duration {
	if m == nil {
		return 0
	}
	return m.watchdog
}

// Ready says that the program has begun to serve, or that a reload is over.
func (m *Manager) Ready(status string) { m.tell("READY=1", statusLine(status)) }

// Reloading says that a reload has begun; Ready must follow.
func (m *Manager) Reloading() {
	m.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", clock.Monotonic()/int64(time.Microsecond)))
}

// MainPID says that another process is the one to watch from now on.
func (m *Manager) MainPID(pid int) { m.tell(fmt.Sprintf("MAINPID=%d", pid)) }

// Stopping says that the program is about to end, within a time that the manager should wait for though it would kill
// the program before.
func (m *Manager) Stopping(within time.Duration, status string) {
	m.tell("STOPPING=1", fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()), statusLine(status))
}

// Status says in a line for people how the program is.
func (m *Manager) Status(status string) { m.tell(statusLine(status)) }

// Alive says that it is, for the watchdog.
func (m *Manager) Alive() { m.tell("WATCHDOG=1") }

// statusLine has no line breaks: they would begin another assignment.
func statusLine(status string) string {
	return "STATUS=" + strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, status)
}

func (m *Manager) tell(lines ...string) {
	if m != nil {
		m.send([]byte(strings.Join(lines, "\n")), tellTime)
	}
}

// send waits for so long at the most until there is room. It tries before it looks at the clock: on a busy machine, or
// where the pump has had its share of the processor, the time may be over by then.
func (m *Manager) send(b []byte, within time.Duration) {
	raw, err := m.conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), b, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, nil) })
	if errors.Is(err, syscall.EAGAIN) {
		_ = m.conn.SetWriteDeadline(time.Now().Add(within))
		_, _ = m.conn.Write(b)
	}
}

// tellTime is long for a datagram on one machine. A manager that takes none must not hold anything up.
const tellTime = 100 * time.Millisecond

// Close lets the manager go.
func (m *Manager) Close() {
	if m != nil {
		m.conn.Close()
	}
}
