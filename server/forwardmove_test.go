package server

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// A forward that ends here and begins anew in another process tells the other server of no end, and goes on where that
// one is: nothing is missing there and nothing comes twice.
func TestForwardMoves(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	cfg.Streams = []config.Stream{{Path: "far", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	far, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- far.Run(ctx) }()
	defer func() {
		stop()
		<-ended
	}()
	<-far.Ready()
	sink := far.reg.Streams()[0]

	near := config.Stream{Path: "near", Enabled: true, Type: config.TypePush,
		Forward:       []string{"http://" + far.Addrs()[0].String() + "/streams/far_push"},
		ForwardBuffer: config.Duration(10 * time.Second), ForwardLag: config.Duration(10 * time.Second)}
	var servers []*Server // the last one first, so that nothing of one is later than the clock of the next
	for range 4 {
		s, _ := taskRig(t, near)
		servers = append(servers, s)
	}
	s := servers[3]
	st := s.reg.Streams()[0]
	src, err := st.Claim(stream.Claim{Kind: stream.Push})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
		t.Fatal(err)
	}
	var next uint32
	feed := func(until func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !until(); next++ {
			if time.Now().After(deadline) {
				t.Fatalf("at packet %d; the other server has %d, forwards %+v", next, sink.Stats().PacketsIn.Load(), st.Forwards())
			}
			if err := src.Packet(asftest.Packet(next, next*10, next%10 == 0, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	feed(func() bool { return next == 20 })
	s.startTasks(st, nil)
	var first *stream.Element
	for _, n := range []*Server{servers[2], servers[1], servers[0]} {
		moved := n.reg.Streams()[0]
		reached := sink.Stats().PacketsIn.Load() + 50
		feed(func() bool { return sink.Stats().PacketsIn.Load() >= reached })
		if first == nil {
			first = sink.Joins().Start
		}
		var left []*running
		for _, r := range s.running[st] {
			if r != nil {
				if err := r.park(ctx); err != nil {
					t.Fatal(err)
				}
				left = append(left, r)
			}
		}
		streamtest.Move(t, st, moved)
		for _, r := range left {
			r.leave()
		}
		n.startTasks(moved, nil)
		if src = moved.Resume(nil); src == nil {
			t.Fatal("there is no writer")
		}
		s, st = n, moved
	}
	last := next + 100
	feed(func() bool { return next == last })
	var got []uint32
	feed(func() bool {
		got = got[:0]
		for _, e := range streamtest.Elements(first) {
			if e.Kind() == stream.PacketElement {
				got = append(got, asftest.Number(e.Full()))
			}
		}
		return len(got) > 0 && got[len(got)-1] >= last
	})
	if want := numbers(got[0], got[len(got)-1]+1); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if n := sink.Stats().Generations.Load(); n != 1 {
		t.Errorf("%d generations", n)
	}
}
