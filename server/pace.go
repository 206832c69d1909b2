package server

import (
	"math"
	"time"
)

// A send costs the same whatever its size, so fewer and larger sends are the only thing that makes a full pump faster
// (docs/performance.md). merged says how long a loop waits from the beginning of one round to the next, when a round takes
// cost of CPU time.
//
// auto weighs what waiting saves against what it delays. Waiting w, a loop is busy for cost/w of its time, and a packet
// is late by w/2. The sum of the first and of w/autoTrade is least where both are the same, at w = √(autoTrade·cost). But
// it never waits to save less than 4 % of a loop's time: VLC is sensitive to delays that vary when it starts, and a pump
// with few viewers has nothing to gain.
//
//	cost of a round        10 µs   100 µs   1 ms   4 ms   8 ms   ≥ 31 ms
//	viewers of the loop        1       12    120    500  1,000     3,700
//	wait                  0.2 ms     2 ms  25 ms  89 ms 126 ms    250 ms
//
// A packet that comes when the last round is longer ago than that does not wait at all.
func (m Merge) merged(cost time.Duration) time.Duration {
	if !m.Auto {
		return time.Duration(m.Interval)
	}
	wait := math.Sqrt(autoTrade.Seconds() * cost.Seconds())
	return min(time.Duration(wait*float64(time.Second)), autoLeast*cost, maxMerge)
}

const (
	autoTrade = 2 * time.Second // so long a wait is as bad as a loop that is busy all the time
	autoLeast = 25              // rounds that fit into a wait
	maxMerge  = 250 * time.Millisecond
)

// costOf is what a round is taken to cost after one that took spent, when it was taken to cost before. It may at most
// double at once: one in which a hundred new viewers got their bursts says little about the next.
func costOf(before, spent time.Duration) time.Duration {
	return min(spent, 2*before+leastCost)
}

const leastCost = 100 * time.Microsecond
