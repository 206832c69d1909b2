package server

import "time"

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// backoff is how long to wait before trying again after so many failures in a row, 1 or more. It doubles up to 30 s.
// random, in [0, 1), takes up to a half off, so that a hundred pumps that lost one upstream do not come back at one
// moment.
func backoff(failures int, random float64) time.Duration {
	d := longestPause
	if doublings := max(failures, 1) - 1; doublings < 6 {
		d = min(firstPause<<doublings, longestPause)
	}
	return d - time.Duration(random*float64(d)/2)
}
