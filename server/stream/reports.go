package stream

import "pumpd/server/tally"

// Reports are what players say of how the stream came to them, one for each stay of those that say so. Any goroutine.
type Reports struct {
	Bufferings *tally.Histogram // times that it waited for data, the first included
	Buffering  *tally.Histogram // seconds, of all of those
	Lost       *tally.Histogram // packets that were lost for good
	Received   *tally.Histogram // part of the packets that came
	Rate       *tally.Histogram // bytes per second
}

var (
	bufferingsBounds = []float64{1, 2, 3, 5, 10, 20, 50}
	bufferingBounds  = []float64{1, 2, 5, 10, 20, 30, 60, 120}
	lostBounds       = []float64{0, 1, 10, 100, 1000}
	receivedBounds   = []float64{0.5, 0.8, 0.9, 0.95, 0.98, 0.99}
	rateBounds       = []float64{4e3, 8e3, 16e3, 32e3, 64e3, 125e3, 250e3, 500e3, 1e6}
)

// Reports are those of the stream, nil while there are none.
func (n *Stats) Reports() *Reports { return n.reports.Load() }

// Reported is Reports for whoever has one to add.
func (n *Stats) Reported() *Reports {
	if r := n.reports.Load(); r != nil {
		return r
	}
	n.reports.CompareAndSwap(nil, &Reports{
		Bufferings: tally.New(bufferingsBounds...), Buffering: tally.New(bufferingBounds...),
		Lost: tally.New(lostBounds...), Received: tally.New(receivedBounds...), Rate: tally.New(rateBounds...),
	})
	return n.reports.Load()
}

// histograms are all of them, by the names of their fields.
func (r *Reports) histograms() map[string]*tally.Histogram {
	return map[string]*tally.Histogram{
		"Bufferings": r.Bufferings,
		"Buffering":  r.Buffering,
		"Lost":       r.Lost,
		"Received":   r.Received,
		"Rate":       r.Rate,
	}
}
