package tally

import "slices"

// A Snapshot is a Histogram, for the process that goes on with it. It is for encoding/gob.
type Snapshot struct {
	Bounds []float64
	Counts []uint64 // one more, see Histogram
	Sum    int64
}

// Snapshot is what was counted so far, or nearly so. That of a nil one is empty.
func (h *Histogram) Snapshot() (s Snapshot) {
	if h == nil {
		return s
	}
	s = Snapshot{Bounds: h.bounds, Sum: h.sum.Load()}
	for i := range h.counts {
		s.Counts = append(s.Counts, h.counts[i].Load())
	}
	return s
}

// Add adds what was counted elsewhere. Where that has other bounds, as in another program, it is dropped.
func (h *Histogram) Add(s Snapshot) {
	if h == nil || !slices.Equal(s.Bounds, h.bounds) || len(s.Counts) != len(h.counts) {
		return
	}
	for i, n := range s.Counts {
		h.counts[i].Add(n)
	}
	h.sum.Add(s.Sum)
}
