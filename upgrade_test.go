package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server"
	"pumpd/server/config"
	"pumpd/server/control"
	"pumpd/server/handover"
)

// upgradesOf are those of a server that does not run.
func upgradesOf(t *testing.T, log *slog.Logger) *upgrades {
	t.Helper()
	cfg := config.Default()
	cfg.Timeouts.Drain = config.Duration(20 * time.Second)
	s, err := server.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	return newUpgrades(s, log)
}

// A program of another version has us end where somebody starts it then, and nothing else does.
func TestOutdated(t *testing.T) {
	own, err := handover.Own()
	if err != nil {
		t.Fatal(err)
	}
	other := fmt.Errorf("so: %w", &handover.VersionError{Theirs: handover.Hello{Version: 2}})
	for _, c := range []struct {
		program string
		managed bool
		err     error
		want    bool
	}{
		{"", true, other, true},
		{own, true, other, true},
		{"", false, other, false},
		{"/bin/true", true, other, false},
		{"", true, errors.New("something else"), false},
	} {
		var out bytes.Buffer
		u := upgradesOf(t, slog.New(slog.NewTextHandler(&out, nil)))
		u.managed = c.managed
		err := u.afterFault(c.program, c.err)
		if !errors.Is(err, c.err) || u.outdated.Load() != c.want {
			t.Errorf("%+v: outdated %v, %v", c, u.outdated.Load(), err)
		}
		if said := strings.Contains(out.String(), "drain=20s"); said != c.want {
			t.Errorf("%+v: the log has %q", c, &out)
		}
		if said := strings.Contains(err.Error(), "within 20s"); said != c.want {
			t.Errorf("%+v: who asked hears %q", c, err)
		}
	}
}

// Of two upgrades at once the second one is refused, and does not disturb what the first one's asker hears.
func TestOneUpgradeAtATime(t *testing.T) {
	u := upgradesOf(t, slog.New(slog.DiscardHandler))
	u.one.Lock()
	if err := u.upgrade("", func(string) {}); err != errUpgrading {
		t.Errorf("got %v, want %v", err, errUpgrading)
	}
	u.one.Unlock()
}

// Stages are heard in order up to the last one before the end, and are not waited for.
func TestTellStages(t *testing.T) {
	var heard []string
	slow := make(chan struct{})
	end := tellStages(func(s string) {
		<-slow
		heard = append(heard, s)
	})
	handover.Reach(handover.Sending)
	handover.Reach(handover.Committed)
	close(slow)
	end()
	handover.Reach(handover.Lingering)
	// The client takes this word for the success of a pump that has gone.
	if want := []string{"sending", control.Gone}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

// A pump that is told to end, be it with a drain, hands nothing over any more.
func TestAbandon(t *testing.T) {
	u := upgradesOf(t, slog.New(slog.DiscardHandler))
	u.s.Spawn = func(string) (*handover.Child, error) {
		t.Error("a program is started")
		return nil, errors.New("no")
	}
	if !u.drain() {
		t.Error("it does not wait for its drain")
	}
	if err := u.upgrade("", func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if u.handed.Store(true); u.drain() {
		t.Error("what is left of one that has handed over waits for a drain")
	}
}
