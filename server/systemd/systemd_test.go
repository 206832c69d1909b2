package systemd

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen is a manager's socket, which NOTIFY_SOCKET names.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.SetReadDeadline(time.Now().Add(time.Minute))
	t.Setenv("NOTIFY_SOCKET", name)
	return l
}

func told(t *testing.T, l *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 4096)
	n, err := l.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestManager(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@pumpd-test-" + filepath.Base(t.TempDir())} {
		l := listen(t, name)
		m, err := FromEnvironment()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			tell func()
			want string
		}{
			{func() { m.Ready("2 streams") }, "READY=1\nSTATUS=2 streams"},
			{func() { m.Status("a\nREADY=0\x07b") }, "STATUS=aREADY=0b"},
			{m.Reloading, "RELOADING=1\nMONOTONIC_USEC="},
			{m.Alive, "WATCHDOG=1"},
			{
				func() { m.Stopping(2*time.Second, "draining") },
				"STOPPING=1\nEXTEND_TIMEOUT_USEC=2000000\nSTATUS=draining",
			},
			{func() { m.MainPID(42) }, "MAINPID=42"},
		} {
			c.tell()
			if got := told(t, l); !strings.HasPrefix(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		}
		m.Close()
	}
}

// What there is room for is sent, though no time is left: READY=1 comes once, and a unit of which it is lost is ended.
func TestNoTimeLeft(t *testing.T) {
	l := listen(t, filepath.Join(t.TempDir(), "notify"))
	m, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for range 2 {
		m.send([]byte("READY=1"), -time.Second)
		if got := told(t, l); got != "READY=1" {
			t.Errorf("%q", got)
		}
	}
}

// A manager that takes nothing holds nobody up.
func TestFullSocket(t *testing.T) {
	listen(t, filepath.Join(t.TempDir(), "notify"))
	m, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	done := make(chan struct{})
	go func() {
		for range 20 {
			m.Status(strings.Repeat("x", 100_000))
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("still telling")
	}
}

func TestNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m, err := FromEnvironment()
	if m != nil || err != nil {
		t.Fatal(m, err)
	}
	m.Ready("") // as with a manager
	m.Close()
	if m.Watchdog() != 0 {
		t.Error("a watchdog without a manager")
	}
	for _, bad := range []string{"relative", filepath.Join(t.TempDir(), "absent")} {
		t.Setenv("NOTIFY_SOCKET", bad)
		if m, err := FromEnvironment(); m != nil || err == nil || !strings.Contains(err.Error(), "NOTIFY_SOCKET") {
			t.Errorf("%s: %v, %v", bad, m, err)
		}
	}
}

func TestWatchdog(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0},
		{"30000000", "", 30 * time.Second},
		{"30000000", "42", 30 * time.Second},
		{"30000000", "43", 0},
		{"-1", "", 0},
		{"x", "", 0},
		{"99999999999999999", "", 0},
	} {
		env := map[string]string{"WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid}
		if got := watchdog(func(k string) string { return env[k] }, 42); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
