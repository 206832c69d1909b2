package server

import (
	"testing"
	"time"
)

func TestMerged(t *testing.T) {
	auto, fixed := Merge{Auto: true}, Merge{Interval: Duration(100 * time.Millisecond)}
	for _, c := range []struct {
		merge      Merge
		cost, want time.Duration
	}{
		{fixed, 0, 100 * time.Millisecond},
		{fixed, time.Second, 100 * time.Millisecond},
		{Merge{}, time.Second, 0},
		{auto, 0, 0},
		{auto, 20 * time.Microsecond, 500 * time.Microsecond},
		{auto, 2 * time.Millisecond, 50 * time.Millisecond},
		{auto, 5 * time.Millisecond, 100 * time.Millisecond},
		{auto, 20 * time.Millisecond, 200 * time.Millisecond},
		{auto, 32 * time.Millisecond, 250 * time.Millisecond},
		{auto, time.Second, 250 * time.Millisecond},
	} {
		if got := c.merge.merged(c.cost).Round(time.Microsecond); got != c.want {
			t.Errorf("%+v at %v: %v, want %v", c.merge, c.cost, got, c.want)
		}
	}
}

func TestCostOf(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct{ before, spent, want time.Duration }{
		{0, 0, 0},
		{0, 50 * time.Microsecond, 50 * time.Microsecond},
		{0, 10 * ms, leastCost}, // an outlier
		{10 * ms, 11 * ms, 11 * ms},
		{10 * ms, 50 * ms, 20*ms + leastCost},
		{10 * ms, ms, ms}, // the crowd has gone
	} {
		if got := costOf(c.before, c.spent); got != c.want {
			t.Errorf("%v after one of %v: %v, want %v", c.spent, c.before, got, c.want)
		}
	}
	cost, rounds := time.Duration(0), 0
	for ; cost < 15*ms; rounds++ {
		cost = costOf(cost, 15*ms)
	}
	if rounds > 8 {
		t.Errorf("a crowd of 2,000 is seen after %d rounds, want 8 at the most", rounds)
	}
}

// A loop rings at once while it is free, and once, later, while it waits for its next round.
func TestBell(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Server.Merge = Merge{Interval: Duration(100 * time.Millisecond)} }, "a")
	kicks := 0
	r.loop.kick = func() { kicks++ }
	f := r.feeder(0, 320)
	f.publish(1)
	r.watch("a", ffmpegAgent)
	f.publish(1)
	r.loop.bell(r.at)
	r.loop.bell(r.at)
	if kicks != 1 {
		t.Fatalf("%d kicks for two bells before the first round, want 1", kicks)
	}
	r.turn()
	if due := instant(r.loop.due.Load()); due != r.at.add(100*time.Millisecond) {
		t.Errorf("next round at %d, want %d", due, r.at.add(100*time.Millisecond))
	}
	r.loop.bell(r.at)
	if kicks != 1 || !r.loop.alarmed.Load() {
		t.Errorf("%d kicks, alarm %v; want the alarm to be set instead", kicks, r.loop.alarmed.Load())
	}
	r.loop.alarm.Stop()
	r.loop.ring()
	if kicks != 2 {
		t.Errorf("%d kicks after the alarm, want 2", kicks)
	}
}
