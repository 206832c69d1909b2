package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// loadOptions describe one run.
type loadOptions struct {
	viewerOptions
	urls     []string // viewers take them in turn
	viewers  int
	sample   string        // of those, how many check everything: a number or a percentage
	stalled  int           // viewers besides those that ask and never read
	slow     int           // viewers besides those that read at slowRate
	churn    float64       // viewers replaced a second
	herd     int           // viewers besides those that join in one instant
	herdAt   time.Duration // when, from the start of the measurement; 0: after a third of it
	ramp     float64       // viewers that join a second; 0: all at once
	duration time.Duration // of the measurement
	settle   time.Duration // between the last join and the measurement
	drain    time.Duration // pause of the crowd between two looks at its sockets
	pid      int           // the server's process; 0: not known
	quiet    bool          // no progress line
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
