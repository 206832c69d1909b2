package fanout

import (
	"testing"
	"time"

	"pumpd/server/tally"
)

// Once a second everybody is counted, by dialect, and how far behind they are.
func TestCensus(t *testing.T) {
	r := newRig(t, nil)
	r.hub.stats.Lag, r.hub.stats.Length = tally.New(0, 1), tally.New(60)
	f := r.feeder(320)
	f.publish(10)
	r.watch(ffmpegAgent)
	slow := r.watch(wmpAgent)
	slow.room = 0
	for range 50 { // 2 s
		f.publish(1)
		r.turn()
	}
	got := map[string]Count{}
	r.hub.Census(func(dialect string, tls bool, n Count) {
		if n != (Count{}) && !tls {
			got[dialect] = n
		}
	})
	if len(got) != 2 || got["nsplayer_6"] != (Count{Viewers: 1}) || got["nsplayer_9"] != (Count{1, 1, 1}) {
		t.Errorf("got %+v", got)
	}
	n := r.stream.Stats()
	if n.Behind.Load() != 1 || n.Blocked.Load() != 1 {
		t.Errorf("the stream has %d behind and %d blocked, want 1 of each", n.Behind.Load(), n.Blocked.Load())
	}
	if lag := time.Duration(n.Lag.Load()); lag < time.Second || lag > 2*time.Second {
		t.Errorf("they are behind by %v, want 1 s to 2 s", lag)
	}
	if lag := r.hub.stats.Lag.View(); lag.Count < 4 || lag.Upto[0] >= lag.Count {
		t.Errorf("lags %+v: want two a second, some of them above 0", lag)
	}
	slow.room = plenty
	r.turn()
	r.pass(time.Second)
	r.turn()
	if n.Behind.Load() != 0 || n.Blocked.Load() != 0 {
		t.Errorf("then %d behind and %d blocked, want none", n.Behind.Load(), n.Blocked.Load())
	}
	r.hub.Part(slow.viewer, 1, r.at)
	if n := r.hub.stats.Length.View().Count; n != 1 {
		t.Errorf("%d stays counted, want 1", n)
	}
}
