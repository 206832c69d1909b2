package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pumpd/bench/viewers"
)

// Options describe one measurement.
type Options struct {
	viewers.Options
	URLs     []string      // viewers take them in turn
	Viewers  int           // that take part from the start
	Sample   string        // of those, how many check everything: a number or a percentage
	Stalled  int           // viewers besides those that ask and never read
	Slow     int           // viewers besides those that read at SlowRate
	Churn    float64       // viewers replaced a second
	Herd     int           // viewers besides those that join in one instant
	HerdAt   time.Duration // when, from the start of the measurement; 0: after a third of it
	Ramp     float64       // viewers that join a second; 0: all at once
	Duration time.Duration // of the measurement
	Settle   time.Duration // between the last join and the measurement
	Drain    time.Duration // pause of the crowd between two looks at its sockets
	PID      int           // the server's process; 0: not known
	Quiet    bool          // no progress line
}

// sampleCount reads "1%" or "20".
func sampleCount(s string, viewers int) (int, error) {
	if part, ok := strings.CutSuffix(s, "%"); ok {
		if percent, err := strconv.ParseFloat(part, 64); err == nil && percent >= 0 && percent <= 100 {
			return min(max(8, int(float64(viewers)*percent/100+0.5)), viewers), nil
		}
	} else if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return min(n, viewers), nil
	}
	return 0, fmt.Errorf("sample %q: want a number or a percentage", s)
}
