package link

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestShapeSet(t *testing.T) {
	for text, want := range map[string]Shape{
		"rate=12Mbit":                       {Rate: 12e6},
		"rate=300k, loss=1.5%":              {Rate: 300e3, Loss: 0.015},
		"queue=250ms,delay=10s":             {Queue: Queue{Time: 250 * ms}, Delay: 10 * time.Second},
		"queue=64k":                         {Queue: Queue{Bytes: 64e3}},
		"rate=1,queue=0,delay=0s,loss=100%": {Rate: 1, Loss: 1},
	} {
		var got Shape
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		var again Shape
		if err := again.Set(got.String()); err != nil || again != got {
			t.Errorf("%q: %s reads as %+v, %v", text, got, again, err)
		}
	}
}

func TestShapeSetMistakes(t *testing.T) {
	before := Shape{Rate: 1e6, Delay: ms}
	for _, text := range []string{
		"", "rate", "rate=", "rate=-1", "rate=12MB", "rate=3G", "rate=12Mbit,", "rate=2M,jitter=5ms", "queue=5x",
		"queue=-1ms", "queue=61s", "delay=50", "delay=11s", "delay=-1s", "loss=1", "loss=101%", "loss=NaN%", "loss=-1%",
	} {
		s := before
		if err := s.Set(text); err == nil {
			t.Errorf("%q: accepted as %v", text, s)
		}
		if s != before {
			t.Errorf("%q: a mistake changed the shape to %v", text, s)
		}
	}
}

func TestScript(t *testing.T) {
	const script = "# narrow, then wide\n10s:rate=12Mbit,loss=1%\n\n 1m:up:rate=20Mbit\n0s:down:loss=0%"
	got, err := ReadScript(strings.NewReader(script))
	want := []Change{
		{10 * time.Second, []int{Up, Down}, "rate=12Mbit,loss=1%"},
		{time.Minute, []int{Up}, "rate=20Mbit"},
		{0, []int{Down}, "loss=0%"},
	}
	same := func(a, b Change) bool { return a.At == b.At && a.Apply == b.Apply && slices.Equal(a.Ways, b.Ways) }
	if err != nil || !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{
		"10s", "10:rate=1M", "-1s:rate=1M", "10s:left:rate=1M", "10s:up", "10s:", "10s:up:rate=1X",
	} {
		if _, err := ReadScript(strings.NewReader("1s:rate=1M\n" + text)); err == nil ||
			!strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: got %v, want an error with the line", text, err)
		}
	}
}
