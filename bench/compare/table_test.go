package compare

import (
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	of := func(m measure) float64 { return m.p50 }
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, -1}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		var rounds []measure
		for _, v := range c.in {
			rounds = append(rounds, measure{p50: v})
		}
		if got := median(rounds, of); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	at := Point{"P1", 2000, 300e3, 1400}
	c := Results{opt: Options{Points: []Point{at}, Rounds: 1}, missing: []string{"Cubemap: cubemap is not installed"}}
	c.cells = []*cell{
		{point: at, name: floorName, rounds: []measure{{secondsPerGB: 2, microsASend: 8, bitRate: 6e8}}},
		{
			point: at, name: "pumpd",
			rounds: []measure{{secondsPerGB: 3, bitRate: 6e8, p50: 50, p99: 101.6, rss: 21e6, served: true}},
		},
		{
			point: at, name: "Icecast",
			rounds: []measure{{secondsPerGB: 7, bitRate: 5e8, p50: -1, p99: -1, rss: 9e6, failed: 3, faults: 2, served: true}},
		},
		{point: at, name: "Gone"},
	}
	var b strings.Builder
	c.Print(&b)
	for _, want := range []string{
		"**P1**: 2000 viewers × 300 kbit/s, packets of 1400 bytes\n",
		"| floor (bare send), 8.0 µs a send | 2.00 | 1.00 | – | – | 600 Mbit/s | – | – |\n",
		"| pumpd | 3.00 | 1.50 | 50 / 102 ms | 21 MB | 600 Mbit/s | 0 | 0 |\n",
		"| Icecast | 7.00 | 3.50 | ? / ? ms | 9 MB | 500 Mbit/s | 3 | 2 |\n",
		"Could not run Cubemap: cubemap is not installed\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Gone") {
		t.Error("a row for what was not measured")
	}
	if err := c.Verdict(); err != nil {
		t.Errorf("others' failures: %v", err)
	}
	c.cells[1].rounds[0].faults = 1
	if c.Verdict() == nil {
		t.Error("pumpd's fault is no error")
	}
}
