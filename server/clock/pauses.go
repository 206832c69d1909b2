package clock

import (
	"context"
	"time"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	quickTries   = 4 // with the first pause: what only restarts is back within seconds

	urgentPause = time.Second // the longest while viewers wait: an upstream that is back is found within two seconds
)

// Backoff is how long to wait before trying again after so many failures in a row, 1 or more. After the quick tries it
// doubles up to 30 s. random, in [0, 1), takes up to a half off, so that a hundred pumps that lost one upstream do not
// come back at one moment.
func Backoff(failures int, random float64) time.Duration {
	d := longestPause
	if doublings := max(failures-quickTries, 0); doublings < 6 {
		d = min(firstPause<<doublings, longestPause)
	}
	return jittered(d, random)
}

// UrgentBackoff is the same while viewers wait, a second at the most.
func UrgentBackoff(failures int, random float64) time.Duration {
	return min(Backoff(failures, random), jittered(urgentPause, random))
}

func jittered(d time.Duration, random float64) time.Duration {
	return d - time.Duration(random*float64(d)/2)
}

// Pause waits, which ctx cuts short with its error.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
