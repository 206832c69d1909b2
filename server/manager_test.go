package server

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/admin"
	"pumpd/server/clock"
	"pumpd/server/systemd"
)

// managed is a server that is told of by a service manager's socket, with one loop that turned at a moment.
func managed(t *testing.T, turned clock.Instant) (*Server, *net.UnixConn) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "30000000")
	m, err := systemd.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	r := newRig(t, nil, "live")
	r.loop.turned.Store(int64(turned))
	s := &Server{manager: m, node: r.loop.node, reg: r.loop.reg, drained: make(chan struct{})}
	s.lastReload.Store(&admin.Reload{OK: true})
	return s, l
}

// said is all that the manager has been told: datagrams are there when they have been sent.
func said(t *testing.T, l *net.UnixConn) string {
	t.Helper()
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for err == nil {
		failed := raw.Read(func(fd uintptr) bool {
			b := make([]byte, 4096)
			var n int
			if n, err = unix.Read(int(fd), b); err == nil {
				all = append(all, string(b[:n]))
			}
			return true // without waiting for more
		})
		if failed != nil {
			t.Fatal(failed)
		}
	}
	return strings.Join(all, "|")
}

// The watchdog hears of us as long as all loops turn, and not of one that is stuck.
func TestWatchdogIsTiedToTheLoops(t *testing.T) {
	const began = clock.Instant(100 * time.Second)
	s, l := managed(t, began)
	s.tellManager(began.Add(stuckTime))
	if got := said(t, l); !strings.HasPrefix(got, "WATCHDOG=1|STATUS=") {
		t.Errorf("told %q", got)
	}
	s.tellManager(began.Add(stuckTime + time.Millisecond))
	if got := said(t, l); got != "" {
		t.Errorf("with a loop that is stuck: told %q", got)
	}
}

// A reload that is asked for before we listen waits, and the manager hears of it when we do.
func TestReloadWaitsToBeReady(t *testing.T) {
	s, l := managed(t, 0)
	s.ready, s.reloading = make(chan struct{}), make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Reload(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to have waited", err)
	}
	if got := said(t, l); got != "" {
		t.Errorf("the manager was told %q before we listen", got)
	}
}

// It hears how we are when that is otherwise, and not again and again.
func TestStatusIsToldWhenItChanges(t *testing.T) {
	const now = clock.Instant(100 * time.Second)
	s, l := managed(t, now)
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"at first", func() {}, "STATUS=0 of 1 streams live, 0 viewers"},
		{"the same", func() {}, ""},
		{"a viewer", func() { s.reg.Streams()[0].Stats().Viewers.Add(1) }, "STATUS=0 of 1 streams live, 1 viewers"},
		{
			"a bad file", func() { s.lastReload.Store(&admin.Reload{}) },
			"STATUS=0 of 1 streams live, 1 viewers; the last reload was refused, the log says why",
		},
		{
			"a drain", func() { s.lastReload.Store(&admin.Reload{OK: true}); close(s.drained) },
			"STATUS=draining: 0 of 1 streams live, 1 viewers",
		},
	} {
		step.do()
		s.tellManager(now)
		_, got, _ := strings.Cut(said(t, l), "WATCHDOG=1")
		if got = strings.TrimPrefix(got, "|"); got != step.want {
			t.Errorf("%s: told %q, want %q", step.what, got, step.want)
		}
	}
}
