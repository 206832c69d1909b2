package admin

import (
	"fmt"
	"slices"
	"strconv"

	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A span is the graphs of the last hour, or of the last day.
type span struct {
	Name   string
	Graphs []graph
}

// A graph is inline SVG that is as wide as its curve has points, one unit each, and graphHeight high. Its right edge is
// now.
type graph struct {
	Title  string
	Most   string // at its top
	Width  int
	Wide   bool    // there is much to tell apart
	Layers []layer // from the bottom to the top
	Ticks  []int   // where lines from top to bottom are, to read the time by
}

// A layer is one of the areas or lines of a graph.
type layer struct {
	Class string // of its look
	Name  string // "" where the title says it
	Total string // how many in all of the span; "" where that means nothing
	Path  string // SVG; "" nothing is to be seen
}

const graphHeight = 60

// graphs draws those of a stream, or with nil of the pump.
func (h *history) graphs(st *stream.Stream) []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.pump
	if st != nil {
		t = &h.pastOf(st).trend
	}
	ended, line := t.reasons(), t.day.rings[seriesUsable] != nil
	return []span{{"Last hour", t.hour.graphs(ended, line)}, {"Last day", t.day.graphs(ended, line)}}
}

func (c *curve) graphs(ended []reason.Reason, line bool) []graph {
	people := func(v float64) string { return count(int64(v)) }
	list := []graph{
		c.area("viewers", people, c.of(seriesViewers)),
		c.area("in", bitRate, scale(c.of(seriesIn), 8)),
		c.area("out", bitRate, scale(c.of(seriesOut), 8)),
		c.comings(ended),
	}
	if line {
		list = append(list, c.uplink())
	}
	return list
}

// reasons are those for which somebody has ended, so that hour and day have them in the same colours.
func (t *trend) reasons() (list []reason.Reason) {
	for why := reason.None + 1; why < reason.Count; why++ {
		if t.day.total(endedFor(why)) > 0 {
			list = append(list, why)
		}
	}
	return list
}

// area draws one series, in the units that say writes.
func (c *curve) area(title string, say func(float64) string, values []float64) graph {
	return c.graph(title, say, highest(values),
		func(p *pen) []layer { return []layer{{Class: "area", Path: p.area(nil, values)}} })
}

// uplink draws what of it is taken under what may be: between them is the headroom.
func (c *curve) uplink() graph {
	taken, usable := c.of(seriesTaken), c.of(seriesUsable)
	return c.graph("uplink", bitRate, highest(taken, usable), func(p *pen) []layer {
		return []layer{
			{Class: "area", Name: "taken", Path: p.area(nil, taken)}, {Class: "bound", Name: "usable", Path: p.line(usable)},
		}
	})
}

// colours is how many reasons are told apart; what is beyond is one.
const colours = 7

// comings draws who ended, by reason, one on the other, and who joined as a line across.
func (c *curve) comings(why []reason.Reason) graph {
	var ends []layer
	var tops [][]float64
	var below []float64
	for i, w := range why {
		values := scale(c.of(endedFor(w)), 60)
		n := c.total(endedFor(w))
		if n == 0 {
			continue
		}
		below = plus(below, values)
		tops = append(tops, below)
		class := fmt.Sprintf("area c%d", min(i, colours-1))
		ends = append(ends, layer{Class: class, Name: w.String(), Total: count(int64(n))})
	}
	joined := scale(c.of(seriesJoined), 60)
	perMinute := func(v float64) string {
		if v < 10 {
			return fmt.Sprintf("%.1f/min", v)
		}
		return count(int64(v+0.5)) + "/min"
	}
	g := c.graph("joins and ends", perMinute, highest(joined, below), func(p *pen) []layer {
		var under []float64
		for i := range ends {
			ends[i].Path = p.area(under, tops[i])
			under = tops[i]
		}
		return append(ends, layer{Class: "joined", Name: "joined", Total: count(int64(c.total(seriesJoined))),
			Path: p.line(joined)})
	})
	g.Wide = true
	return g
}

// graph makes one whose top is most.
func (c *curve) graph(title string, say func(float64) string, most float64, draw func(*pen) []layer) graph {
	g := graph{Title: title, Most: say(most), Width: c.room}
	for quarter := 1; quarter < 4; quarter++ {
		g.Ticks = append(g.Ticks, quarter*c.room/4)
	}
	g.Layers = draw(&pen{right: c.room, most: most})
	return g
}

func bitRate(v float64) string { return scaled(v, "bit/s") }

// highest is the largest of all values, 0 if there are none.
func highest(lists ...[]float64) float64 { return slices.Max(append(slices.Concat(lists...), 0)) }

// scale multiplies all values.
func scale(values []float64, by float64) []float64 {
	for i := range values {
		values[i] *= by
	}
	return values
}

// plus adds two lists, of which either may be nil, into a new one.
func plus(a, b []float64) []float64 {
	sum := make([]float64, max(len(a), len(b)))
	for i := range sum {
		if a != nil {
			sum[i] += a[i]
		}
		if b != nil {
			sum[i] += b[i]
		}
	}
	return sum
}

// A pen writes SVG paths.
type pen struct {
	right int     // x of the newest point
	most  float64 // value at the top
}

// line goes along values, the newest at the right edge.
func (p *pen) line(values []float64) string {
	if p.most == 0 || len(values) == 0 {
		return ""
	}
	return string(p.along(nil, values, false))
}

// area is what is between two lines; below nil is the ground.
func (p *pen) area(below, values []float64) string {
	if p.most == 0 || len(values) == 0 || slices.Equal(below, values) {
		return ""
	}
	path := p.along(nil, values, false)
	if len(below) > 0 {
		path = p.along(path, below, true)
	} else {
		path = fmt.Appendf(path, "V%dH%d", graphHeight, p.right-len(values)+1)
	}
	return string(append(path, 'Z'))
}

// along appends the points of a line, without those between two neighbours as high.
func (p *pen) along(path []byte, values []float64, back bool) []byte {
	last := len(values) - 1
	for k := range values {
		i := k
		if back {
			i = last - k
		}
		y := p.height(values[i])
		if i > 0 && i < last && y == p.height(values[i-1]) && y == p.height(values[i+1]) {
			continue
		}
		command := byte('L')
		if len(path) == 0 {
			command = 'M'
		}
		path = strconv.AppendInt(append(path, command), int64(p.right-last+i), 10)
		path = strconv.AppendFloat(append(path, ' '), float64(y)/10, 'f', -1, 64)
	}
	return path
}

// height is the y of a value, in tenths. Two units are left free above, for a line is that wide.
func (p *pen) height(v float64) int {
	return 10*graphHeight - int(10*(graphHeight-2)*v/p.most+0.5)
}
