package admin

import (
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
)

// The curves have a point for each of their steps, go back as far as they say, and no further.
func TestTrend(t *testing.T) {
	const long = 26 * 3600 // seconds
	r := newRig(t, pushStream("a", ""))
	st := r.s.Streams.Streams()[0]
	for i := range long {
		st.Stats().Viewers.Store(int64(i))
		st.Stats().Joined.Add(2)
		st.Stats().Left[reason.Kicked].Add(1)
		st.Stats().BytesOut.Add(1000)
		r.at = r.at.Add(time.Second)
		r.rates.sample(r.at)
	}
	past := r.rates.history.of[st]
	for _, c := range []*curve{&past.hour, &past.day, &r.rates.history.pump.hour, &r.rates.history.pump.day} {
		viewers, step := c.of(seriesViewers), int(c.step.Seconds())
		if len(viewers) != c.room || viewers[c.room-1] != long-1 {
			t.Fatalf("%d points up to %v viewers, want %d up to %d", len(viewers), viewers[len(viewers)-1], c.room, long-1)
		}
		for i := range c.room - 2 { // the last point is in progress
			if got := int(viewers[i+1] - viewers[i]); got != step {
				t.Fatalf("from point %d to the next %d s, want %d", i, got, step)
			}
		}
		for s, want := range map[series]float64{seriesJoined: 2, endedFor(reason.Kicked): 1, seriesOut: 1000} {
			for i, got := range c.of(s) {
				if got != want {
					t.Fatalf("series %d, point %d: %v a second, want %v", s, i, got, want)
				}
			}
		}
		if c.of(endedFor(reason.Stalled)) != nil {
			t.Error("there is memory for a reason that nobody has ended for")
		}
	}
}

// What was counted before the first look is no peak at it, and a stream that has come counts from its beginning.
func TestTrendBegins(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.s.Streams.Streams()[0].Stats().Joined.Store(5)
	h := newHistory(r.s.Streams.Streams())
	other := newRig(t, pushStream("b", ""))
	other.s.Streams.Streams()[0].Stats().Joined.Store(7)
	h.look(append(r.s.Streams.Streams(), other.s.Streams.Streams()...), uplink{}, 1, time.Now())
	if got := h.pump.hour.total(seriesJoined); got != 7 {
		t.Errorf("%v have joined, want 7", got)
	}
}

// A sampler that was away leaves a gap as wide as it was.
func TestTrendGap(t *testing.T) {
	c := newTrend().hour
	one := &sample{seriesViewers: 3}
	at := clock.Instant(time.Minute)
	c.add(at, one)
	c.add(at.Add(5*c.step), one)
	if got := c.of(seriesViewers); len(got) != 6 || got[0] != 3 || got[5] != 3 || got[1]+got[2]+got[3]+got[4] != 0 {
		t.Errorf("got %v, want 3 at both ends of 6 points", got)
	}
	c.add(at.Add(30*time.Hour), one)
	if got := c.of(seriesViewers); len(got) != c.room || got[c.room-1] != 3 || got[0]+got[c.room-2] != 0 {
		t.Errorf("after a day %v, want one 3 at the end of %d points", got, c.room)
	}
}
