package latency

import "time"

// A Spread is a distribution in ms.
type Spread struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	Count int64   `json:"count"`
}

// spreadOf is nil where nothing was measured.
func spreadOf(h *histogram) *Spread {
	if h.count == 0 {
		return nil
	}
	return &Spread{P50: millis(h.quantile(0.50)), P99: millis(h.quantile(0.99)), Max: millis(h.top), Count: h.count}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
