package admin

import (
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A series is one of the lines that graphs are made of.
type series uint8

const (
	seriesViewers series = iota // the most that there were
	seriesIn                    // bytes
	seriesOut                   // bytes
	seriesTaken                 // of the uplink, the most, bit/s
	seriesUsable                // of the uplink, the most, bit/s; 0: not known
	seriesJoined                // viewers
	seriesEnded                 // and those that have ended for reason.None, which is nobody; other reasons follow

	seriesCount = seriesEnded + series(reason.Count)
)

// endedFor is the series of those who ended for a reason.
func endedFor(why reason.Reason) series { return seriesEnded + series(why) }

// adds says that what looks bring adds up; of other series a point is the most that any look has seen.
func (s series) adds() bool { return s == seriesIn || s == seriesOut || s >= seriesJoined }

// A sample is what one look brings, for each series. Those that add have what has come since the look before.
type sample [seriesCount]float32

// plus is the sample of two streams together.
func (a *sample) plus(b *sample) {
	for i := range a {
		a[i] += b[i]
	}
}

// A trend is the last hour and the last day.
type trend struct{ hour, day curve }

const (
	hourPoints = 180
	dayPoints  = 144
)

func newTrend() trend {
	return trend{
		hour: curve{step: time.Hour / hourPoints, room: hourPoints},
		day:  curve{step: day / dayPoints, room: dayPoints},
	}
}

func (t *trend) add(now clock.Instant, s *sample) {
	t.hour.add(now, s)
	t.day.add(now, s)
}

// A curve is points at even distances, a ring for each series: 4 bytes a point, and nothing for series that have always
// been zero, such as most reasons.
type curve struct {
	step    time.Duration // from a point to the next
	room    int           // points
	rings   [seriesCount][]float32
	points  int           // that have begun
	began   clock.Instant // the one in progress
	looked  clock.Instant // last
	covered time.Duration // of the one in progress, by looks
}

// add puts a sample into the point in progress, or into the next one if that is due.
func (c *curve) add(now clock.Instant, s *sample) {
	c.advance(now)
	c.covered += now.Since(c.looked)
	c.looked = now
	at := (c.points - 1) % c.room
	for i, v := range s {
		if v == 0 {
			continue
		}
		if c.rings[i] == nil {
			c.rings[i] = make([]float32, c.room)
		}
		if p := &c.rings[i][at]; series(i).adds() {
			*p += v
		} else {
			*p = max(*p, v)
		}
	}
}

// advance begins the points that are due by now. The first begins with the first look, which stands for a second.
func (c *curve) advance(now clock.Instant) {
	if c.points == 0 {
		c.began, c.looked = now.Add(-c.step), now.Add(-rateInterval)
	}
	for skipped := 0; now.Since(c.began) >= c.step; skipped++ {
		if skipped > c.room { // so long away that all is past
			c.began = now
		} else {
			c.began = c.began.Add(c.step)
		}
		c.points++
		c.covered = 0
		for _, ring := range c.rings {
			if ring != nil {
				ring[(c.points-1)%c.room] = 0
			}
		}
	}
}

// of is a series, the oldest point first; nil where there was nothing but zeros. Those that add are for a second.
func (c *curve) of(s series) []float64 {
	ring := c.rings[s]
	if ring == nil {
		return nil
	}
	n := min(c.points, c.room)
	list := make([]float64, n)
	for i := range list {
		list[i] = float64(ring[(c.points-n+i)%c.room])
		if s.adds() && i < n-1 {
			list[i] /= c.step.Seconds()
		}
	}
	if s.adds() && c.covered > 0 {
		list[n-1] /= c.covered.Seconds()
	}
	return list
}

// total is how many there were of a series that adds, in all of the curve.
func (c *curve) total(s series) (n float64) {
	for _, v := range c.rings[s] {
		n += float64(v)
	}
	return n
}

// Counts are a stream's counters at a look, to tell what the next one brings.
type counts struct {
	in, out, joined uint64
	ended           [reason.Count]uint64
}

func countsOf(st *stream.Stream) (r counts) {
	n := st.Stats()
	r.in, r.out, r.joined = n.BytesIn.Load(), n.BytesOut.Load(), n.Joined.Load()
	for why := range r.ended {
		r.ended[why] = n.Left[why].Load()
	}
	return r
}

// since makes a sample of what has come since the look before.
func (r *counts) since(before *counts) *sample {
	s := &sample{
		seriesIn: float32(r.in - before.in), seriesOut: float32(r.out - before.out),
		seriesJoined: float32(r.joined - before.joined),
	}
	for why := range r.ended {
		s[endedFor(reason.Reason(why))] = float32(r.ended[why] - before.ended[why])
	}
	return s
}
