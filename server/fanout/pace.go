package fanout

import (
	"math"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// A send costs the same whatever its size, so fewer and larger sends are the only thing that makes a full pump faster
// (docs/performance.md). waitOf says how long a loop waits from the beginning of one round to the next, when a round
// takes cost of CPU time.
//
// auto weighs what waiting saves against what it delays. Waiting w, a loop is busy for cost/w of its time, and a packet
// is late by w/2. The sum of the first and of w/autoTrade is least where both are the same, at w = √(autoTrade·cost).
// But it never waits to save less than 4 % of a loop's time: VLC is sensitive to delays that vary when it starts, and a
// pump with few viewers has nothing to gain.
//
//	cost of a round        10 µs   100 µs   1 ms   4 ms   8 ms   45 ms   175 ms   350 ms   ≥ 700 ms
//	viewers of the loop        1       12    120    500  1,000   5,400   20,000
//	wait                  0.2 ms   2.5 ms  25 ms  75 ms 106 ms  250 ms   250 ms   500 ms        1 s
//
// A packet that comes when the last round is longer ago than that does not wait at all.
//
// Where the box is the limit, a loop waits longer than that rather than be late: if rounds every 250 ms would keep it
// busy for more than fullLoop of its time, for as long as it takes to be no busier, up to 1 s. Fewer sends are then all
// that can save viewers from skipping.
func waitOf(m config.Merge, cost time.Duration) time.Duration {
	if !m.Auto {
		return time.Duration(m.Interval)
	}
	wait := math.Sqrt(autoTrade.Seconds() * cost.Seconds())
	usual := min(time.Duration(wait*float64(time.Second)), autoLeast*cost, maxMerge)
	return max(usual, min(time.Duration(float64(cost)/fullLoop), maxFullMerge))
}

// A pace is when the next round begins, counted from the beginning of the last: settle after the first packet that
// comes at due or later, and at latest if none comes.
type pace struct {
	due, latest, settle time.Duration
}

// paceOf turns the wait into times. Packets come in bursts, one for each frame, and a round that begins with one spares
// all packets the time up to the next burst, for as many sends. So auto begins with the burst that is nearest to the
// end of the wait, when they come gap apart (0: not known).
//
//	bursts     |       |       |       |       |       |
//	round      |───────── wait ──────────┊             |
//	                           due ┊━━━━━━━━━━━┊ latest
//
// A fixed interval is kept as it is. Where each burst has a round of its own nothing settles: each waking of a loop has
// its price too. And rounds that take long begin at any time: if all loops began theirs with the same packet, the
// processors would have nothing else to do and then nothing at all.
func paceOf(m config.Merge, cost, gap time.Duration) pace {
	wait := waitOf(m, cost)
	if !m.Auto || gap == 0 || gap > wait || 2*cost > gap {
		return pace{due: wait, latest: wait}
	}
	p := pace{due: wait - gap/2, latest: min(wait+gap/2, max(wait, maxMerge))}
	if p.due >= gap {
		p.settle = settleTime
	}
	return p
}

const (
	autoTrade = 1400 * time.Millisecond // so long a wait is as bad as a loop that is busy all the time
	autoLeast = 25                      // rounds that fit into a wait
	maxMerge  = 250 * time.Millisecond

	fullLoop     = 0.7         // of a loop's time in rounds: more is no room for joins and for what else the box does
	maxFullMerge = time.Second // the wait of a loop that cannot do with less

	settleTime = 2 * time.Millisecond // what an encoder sends at once is read within this time
)

// costOf is what a round is taken to cost after one that took spent, when it was taken to cost before: a mean, because
// what else the processors do makes one round take twice what the next one takes. And one in which a hundred new
// viewers got their bursts says little about the next.
func costOf(before, spent time.Duration) time.Duration {
	const weight, outlier, least = 4, 4, 400 * time.Microsecond
	return before + (min(spent, outlier*before+least)-before)/weight
}

// A beat is how far apart a stream's bursts are, by the times at which its packets were published.
type beat struct {
	last clock.Instant // the beginning of the last burst
	gap  time.Duration
}

// note counts packets in, oldest first.
func (b *beat) note(packets []*stream.Element) {
	for _, e := range packets {
		b.came(e.At())
	}
}

// came counts a packet in that was published at a moment.
func (b *beat) came(at clock.Instant) {
	const (
		burst  = 5 * time.Millisecond // packets that are no farther apart are one burst
		pause  = time.Second          // a source that pauses has no beat
		weight = 8
	)
	switch d := at.Since(b.last); {
	case d < burst:
		return
	case b.last == 0 || d > pause:
	case b.gap == 0:
		b.gap = d
	default:
		b.gap += (d - b.gap) / weight
	}
	b.last = at
}
