package server

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/via"
)

// A connection that comes to its loop after the server has begun to stop is not waited for.
func TestOpenWhileStopping(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(1)
	early := r.watch("a", ffmpegAgent)
	r.loop.tell(r.loop.stop)
	r.turn()
	late := r.watch("a", ffmpegAgent)
	r.turn()
	if got := r.read(early.body()); got.ended != 0 || !early.fin {
		t.Errorf("a viewer got $E %d, FIN %v, want 0 and FIN", got.ended, early.fin)
	}
	if len(late.got) > 0 || !late.fin {
		t.Errorf("a late one got %q, FIN %v, want FIN alone", late.got, late.fin)
	}
}

// The end does not wait for a loop that does not turn.
func TestStopWithAStuckLoop(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin, cfg.Server.Loops = []string{"127.0.0.1:0"}, "", 1
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	stuck, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.node.tell(func(*loop, clock.Instant) {
		close(stuck)
		<-release
	})
	dial(t, s.Addrs()[0])
	<-stuck
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still running after 30s")
	}
}

// Viewers get the end of their stream, behind what they were in the middle of, and pumps a FIN alone.
func TestStop(t *testing.T) {
	r := newRig(t, nil, "a")
	f := r.feeder(0, 320)
	f.publish(1)
	p, tight := r.watch("a", ffmpegAgent), r.watch("a", ffmpegAgent)
	pump := r.watch("a", wmpAgent+"\r\nVia: 1.0 "+via.Prefix+"1")
	tight.room = 20
	f.publish(1)
	r.turn()
	r.loop.tell((func(now clock.Instant) { r.loop.stop(now) }))
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin {
		t.Errorf("$E %d, FIN %v, want 0 and true", got.ended, p.fin)
	}
	if got := r.read(pump.body()); got.ended != -1 || !pump.fin || !slices.Equal(got.numbers, numbers(0, 2)) {
		t.Errorf("a pump: %+v, FIN %v, want a FIN alone", got, pump.fin)
	}
	tight.room = plenty
	r.turn()
	if got := r.read(tight.body()); got.ended != 0 || !tight.fin || !slices.Equal(got.numbers, numbers(0, 2)) {
		t.Errorf("half-sent frame: %+v, FIN %v, want it whole, then the end", got, tight.fin)
	}
}
