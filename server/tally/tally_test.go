package tally

import (
	"maps"
	"testing"
)

func TestHistogram(t *testing.T) {
	h := New(1, 2.5)
	for _, v := range []float64{0, 1, 1.5, 2.5, 100} {
		h.Observe(v, 1)
	}
	h.Observe(2, 3)
	h.Observe(7, 0)
	got := h.View()
	if got.Count != 8 || got.Sum != 111 || !maps.Equal(got.Upto, map[float64]uint64{1: 2, 2.5: 7}) {
		t.Errorf("got %+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(2, 1) }); n != 0 {
		t.Errorf("an observation allocates %v times", n)
	}
}

func TestNoHistogram(t *testing.T) {
	var h *Histogram
	h.Observe(1, 1)
	if got := h.View(); got.Count != 0 || len(got.Upto) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestStatuses(t *testing.T) {
	var s Statuses
	for _, status := range []int{404, 503, 503, 418} {
		s.Count(status)
	}
	got := map[string]uint64{}
	s.All(func(status string, n uint64) {
		if n > 0 {
			got[status] = n
		}
	})
	if want := map[string]uint64{"404": 1, "503": 2, "other": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHistogramMoves(t *testing.T) {
	h := New(1, 2.5)
	h.Observe(2, 3)
	h.Observe(7, 1)
	to := New(1, 2.5)
	to.Observe(1, 1)
	to.Add(h.Snapshot())
	if got := to.View(); got.Count != 5 || got.Sum != 14 || !maps.Equal(got.Upto, map[float64]uint64{1: 1, 2.5: 4}) {
		t.Errorf("got %+v", got)
	}
	for _, s := range []Snapshot{
		New(1, 3).Snapshot(), (*Histogram)(nil).Snapshot(), {Bounds: []float64{1, 2.5}, Counts: []uint64{1, 1}, Sum: 5},
	} {
		if to.Add(s); to.View().Count != 5 || to.View().Sum != 14 {
			t.Errorf("%+v was added: %+v", s, to.View())
		}
	}
	(*Histogram)(nil).Add(h.Snapshot())
}
