package floor

import (
	"testing"
	"time"
)

func TestFloorDue(t *testing.T) {
	o := Options{Bitrate: 300e3, Packet: 1400, Merge: 100 * time.Millisecond}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 0}, {37 * time.Millisecond, 0}, {38 * time.Millisecond, 1}, {time.Second, 26}, {56 * time.Second, 1500}} {
		if got := o.dueAt(c.at); got != c.want {
			t.Errorf("after %s: got %d packets, want %d", c.at, got, c.want)
		}
	}
	o.Merge = 0
	for n := range 2000 { // each packet as it comes: exactly one more each time
		if got := o.dueAt(time.Duration(n) * o.interval()); got < n-1 || got > n {
			t.Fatalf("interval %d: %d packets", n, got)
		}
	}
}
