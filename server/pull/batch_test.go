package pull

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/config"
	"pumpd/server/upstream"
)

// An upstream is read at leisure while nobody watches and nobody else stands by, and at once otherwise.
func TestPullCollectsWhileNobodyWatches(t *testing.T) {
	one, two := []string{"mmsh://a.example/"}, []string{"mmsh://a.example/", "mmsh://b.example/"}
	for _, tt := range []struct {
		name    string
		cfg     config.Stream
		watched bool
		called  bool // by loops, after 100 ms
		more    bool
		played  time.Duration // 0: no packet yet
		want    time.Duration
	}{
		{"nobody watches", config.Stream{URLs: one}, false, false, false, 3 * time.Second, collectTime},
		{"somebody watches", config.Stream{URLs: one}, true, false, false, 3 * time.Second, 0},
		{"loops call", config.Stream{URLs: one}, true, true, false, 3 * time.Second, 100 * time.Millisecond},
		{"nobody watches, though loops call", config.Stream{URLs: one}, false, true, false, 3 * time.Second, collectTime},
		{"loops call, another may take over", config.Stream{URLs: two}, true, true, false, 3 * time.Second, 0},
		{"more has come than was read", config.Stream{URLs: one}, false, false, true, 3 * time.Second, 0},
		{"it has just begun", config.Stream{URLs: one}, false, false, false, time.Second, 0},
		{"no packet has come", config.Stream{URLs: one}, false, false, false, 0, 0},
		{"another may take over", config.Stream{URLs: two}, false, false, false, 3 * time.Second, 0},
		{"one of a pair", config.Stream{Pair: two}, false, false, false, 3 * time.Second, 0},
		{"a slate may", config.Stream{URLs: one, Slate: config.SlateBuiltin}, false, false, false, 3 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSceneOf(t, tt.cfg)
				if tt.watched {
					s.come()
				}
				d := s.puller.newDelivery(t.Context(), &lane{})
				d.playing, d.began = tt.played > 0, s.st.Clock().Now()
				time.Sleep(tt.played)
				if tt.called {
					s.st.CalledBy(0, true)
					time.AfterFunc(100*time.Millisecond, func() { s.st.Read(s.st.Clock().Now(), time.Second) })
				}
				from := time.Now()
				if err := d.idle(tt.more); err != nil || time.Since(from) != tt.want {
					t.Errorf("%v, %v, want %v", time.Since(from), err, tt.want)
				}
				time.Sleep(time.Second) // the call
				s.st.HasRead()
			})
		})
	}
}

// What comes without a pause is told at once, in order, with bytes of its own, and no more of it than the limits say.
func TestBatches(t *testing.T) {
	s := newScene(t, "mmsh://a.example/")
	ctx, cancel := context.WithCancel(t.Context())
	d := s.puller.newDelivery(ctx, &lane{})
	lent := make([]byte, 1000)
	var want, got []byte
	for i := range byte(200) {
		lent[0] = i
		want = append(want, i)
		if err := d.add(upstream.Event{Kind: upstream.EventPacket, Data: lent}); err != nil {
			t.Fatal(err)
		}
	}
	clear(lent)
	if err := d.flush(); err != nil {
		t.Fatal(err)
	}
	for len(s.puller.reports) > 0 {
		b := (<-s.puller.reports).batch
		if len(b.events) > batchEvents || len(b.bytes) > batchBytes+len(lent) || b.other {
			t.Errorf("%d events of %d bytes, other %v", len(b.events), len(b.bytes), b.other)
		}
		for _, e := range b.events {
			got = append(got, e.Data[0])
		}
		b.release()
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
	cancel()
	for range cap(s.puller.reports) + 1 {
		if err := d.add(upstream.Event{Kind: upstream.EventHeader, Data: lent}); err != nil {
			t.Fatal(err)
		}
		if b := d.pending; !b.other || !slices.Equal(b.events[0].Data, lent) {
			t.Error("a header is taken for a packet")
		}
		if err := d.flush(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// Nothing is lost or late of an upstream that is read when loops call. When it is gone, loops need not call any more.
func TestPullIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const period = 20 * time.Millisecond
		s, w := newSceneOf(t, config.Stream{URL: urlA}), newShow()
		s.hosts[hostA] = w.relay(relay{})
		s.come()
		s.st.CalledBy(0, true)
		stop := s.start()
		for range 700 {
			time.Sleep(period)
			s.st.Read(s.st.Clock().Now(), period)
		}
		if !s.st.Leisurely() {
			t.Error("the source does not wait to be called")
		}
		stop()
		s.published().exact(t, w, showStep+2*period)
		if s.st.Leisurely() {
			t.Error("what is gone waits to be called")
		}
	})
}
