package clock

import (
	"testing"
	"time"
)

// A clock that goes on with another one is never behind it, and not far ahead.
func TestResume(t *testing.T) {
	old := New()
	mono := Monotonic()
	now := old.Now()
	next, err := Resume(now, mono)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		before := old.Now()
		got := next.Now()
		if after := old.Now(); got < before || got.Since(after) > time.Second {
			t.Fatalf("%d, want %d to %d", got, before, after)
		}
	}
}

// The time that passes until the other process has its clock counts.
func TestResumeCountsWhatHasPassed(t *testing.T) {
	up := time.Duration(Monotonic())
	c, err := Resume(5, 0) // 5 when the machine was started
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Now().Since(5); got < up || got > up+time.Minute {
		t.Errorf("%v passed, want %v", got, up)
	}
}

func TestResumeRefuses(t *testing.T) {
	for _, tt := range []struct {
		now  Instant
		mono int64
	}{
		{-1, 0},
		{latestInstant + 1, 0},
		{0, -1},
		{0, Monotonic() + int64(time.Hour)},
	} {
		if _, err := Resume(tt.now, tt.mono); err == nil {
			t.Errorf("%d at %d: no error", tt.now, tt.mono)
		}
	}
}
