package latency

import (
	"math"
	"math/bits"
	"time"
)

// A histogram counts durations in microseconds, in buckets at most 1/32 of their value wide. The zero value is ready.
type histogram struct {
	buckets [histBuckets]int64
	count   int64
	top     time.Duration
}

const (
	histSteps   = 32 // buckets for each doubling
	histBuckets = histSteps * 60
)

// add counts one duration; negative ones count as zero.
func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d.Microseconds()))]++
	h.count++
	h.top = max(h.top, d)
}

// merge adds another histogram's counts.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.top = max(h.top, o.top)
}

// quantile is the duration that the share q (0 to 1) of all does not exceed; never more than the largest. 0 without
// any.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.count)))
	for i, n := range h.buckets {
		if rank -= n; n > 0 && rank <= 0 {
			return min(bucketTop(i), h.top)
		}
	}
	return h.top
}

// bucketOf: values below 2·histSteps have a bucket each; above, the value's top six bits and its size give the bucket.
func bucketOf(us uint64) int {
	if us < 2*histSteps {
		return int(us)
	}
	shift := bits.Len64(us) - bits.Len64(2*histSteps-1)
	return min(histSteps*shift+int(us>>shift), histBuckets-1)
}

// bucketTop is the largest duration that falls into bucket i.
func bucketTop(i int) time.Duration {
	us := uint64(i)
	if i >= 2*histSteps {
		shift := i/histSteps - 1
		us = (uint64(i-histSteps*shift)+1)<<shift - 1
	}
	return time.Duration(us)*time.Microsecond + time.Microsecond - 1
}
