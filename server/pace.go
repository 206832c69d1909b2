package server

import "time"

// A send costs the same whatever its size, so fewer and larger sends are the only thing that makes a full pump faster
// (docs/performance.md). merged says how long a loop waits after a round that took spent: auto sends at once while
// rounds are cheap and lets them take 4 % of a loop's time, until the wait reaches maxMerge. 300 viewers wait some
// 30 ms, 1,200 on two cores 120 ms.
func (m Merge) merged(spent time.Duration) time.Duration {
	if !m.Auto {
		return time.Duration(m.Interval)
	}
	return min(autoFactor*spent, maxMerge)
}

const (
	autoFactor = 25
	maxMerge   = 250 * time.Millisecond
)
