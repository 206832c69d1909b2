package viewers

import (
	"testing"
	"time"
)

// Time is an argument of inspect: late and silent viewers are found without waiting for them.
func TestInspect(t *testing.T) {
	born := time.Now()
	opt := &Options{Patience: 10 * time.Second, Silence: 5 * time.Second}
	for _, c := range []struct {
		name         string
		v            viewer
		after        time.Duration
		late, silent int64
	}{
		{"waits", viewer{phase: asking}, 4 * time.Second, 0, 0},
		{"waits too long", viewer{phase: asking}, 11 * time.Second, 1, 0},
		{"connects too long", viewer{phase: connecting}, 11 * time.Second, 1, 0},
		{"hears", viewer{phase: watching, first: 1}, 4 * time.Second, 0, 0},
		{"hears no more", viewer{phase: watching, first: 1}, 6 * time.Second, 0, 1},
		{"stalled", viewer{phase: watching, role: Stalled}, time.Hour, 0, 0},
	} {
		w := &Worker{opt: opt, now: born.Add(c.after)}
		c.v.born, c.v.last, c.v.fd = born, born, -1
		w.inspect(&c.v)
		w.inspect(&c.v)
		if got := w.tally.failed.Load(); (got > 0) != (c.late > 0) {
			t.Errorf("%s: %d failed, want %d", c.name, got, c.late)
		}
		if got := w.tally.silent.Load(); got != c.silent {
			t.Errorf("%s: %d silent, want %d", c.name, got, c.silent)
		}
	}
}
