package admin

import (
	"slices"
	"testing"
	"time"

	"pumpd/server/clock"
)

func TestMeter(t *testing.T) {
	type sample struct {
		at    time.Duration
		bytes uint64
	}
	every := func(n int, bytes uint64) (s []sample) {
		for i := range n {
			s = append(s, sample{time.Duration(i) * time.Second, uint64(i) * bytes})
		}
		return s
	}
	for _, c := range []struct {
		name    string
		samples []sample
		want    int64
	}{
		{"none", nil, 0},
		{"one", every(1, 1000), 0},
		{"two", every(2, 1000), 8000},
		{"whole span", every(rateReadings, 1000), 8000},
		{"more than the span", every(100, 1000), 8000},
		{"late ticks", []sample{{0, 0}, {4 * time.Second, 4000}}, 8000},
		{"twice at the same moment", []sample{{0, 0}, {0, 1000}}, 0},
		{"only the span counts", slices.Concat(every(2, 1e6), []sample{{2 * time.Second, 2e6}, {10 * time.Second, 2e6},
			{11 * time.Second, 2e6}, {12 * time.Second, 2e6}, {13 * time.Second, 2e6}, {14 * time.Second, 2e6}}), 0},
		{"100 Gbit/s", every(10, 12_500_000_000), 100_000_000_000},
		{"a burst, five seconds later", slices.Concat([]sample{{0, 0}, {time.Second, 5000}, {2 * time.Second, 5000},
			{3 * time.Second, 5000}, {4 * time.Second, 5000}, {5 * time.Second, 5000}}), 8000},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m meter
			for _, s := range c.samples {
				m.sample(s.bytes, clock.Instant(1).Add(s.at))
			}
			if got := m.rate.Load(); got != c.want {
				t.Errorf("got %d bit/s, want %d", got, c.want)
			}
		})
	}
}
