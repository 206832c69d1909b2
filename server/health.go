package server

import (
	"time"

	"pumpd/server/admin"
	"pumpd/server/clock"
)

// stuckTime is how long a loop may take to turn. One that is idle is woken every choreInterval, and the longest round
// of a full pump takes a fraction of a second.
const stuckTime = 2 * time.Second

// stuck says for how long the loop has not turned, if that is too long. Any goroutine.
func (l *loop) stuck(now clock.Instant) (time.Duration, bool) {
	turned := clock.Instant(l.turned.Load())
	silent := now.Since(turned)
	return silent, turned != 0 && silent > stuckTime
}

// stuck are the loops that have not turned for too long. Any goroutine.
func (n *node) stuck(now clock.Instant) (list []admin.Stuck) {
	for _, l := range n.loops {
		if silent, stuck := l.stuck(now); stuck {
			list = append(list, admin.Stuck{Loop: l.id, Silent: silent})
		}
	}
	return list
}
