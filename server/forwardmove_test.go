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

// A forward that goes on in another process is to the other server the same encoder, whose connection broke: also one
// that refuses a second encoder takes it, nothing is missing there and nothing comes twice.
func TestForwardMoves(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	cfg.Streams = []config.Stream{{Path: "far", Enabled: true, Type: config.TypePush, OnSecondPush: "refuse"}}
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
	src := sourceOf(t, st)
	var next uint32
	feed := func(until func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !until(); next++ {
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
	var id string // push-id
	for _, n := range []*Server{servers[2], servers[1], servers[0]} {
		moved := n.reg.Streams()[0]
		reached := sink.Stats().PacketsIn.Load() + 50
		feed(func() bool { return sink.Stats().PacketsIn.Load() >= reached })
		if first == nil {
			first, id = sink.Joins().Start, sink.Writer().PushID()
		}
		x := st.Export()
		left := make([]*inheritance, len(tasks))
		for i, r := range s.running[st] {
			if r == nil {
				continue
			}
			if err := r.park(ctx); err != nil {
				t.Fatal(err)
			}
			snapshot, fd := r.snapshot(x)
			if err := snapshot.check(); err != nil || fd >= 0 {
				t.Errorf("task %d: %v, descriptor %d", i, err, fd)
			}
			left[i] = &inheritance{taskSnapshot: *streamtest.Gob(t, &snapshot)}
		}
		importer := streamtest.Import(t, x, moved)
		for i, r := range s.running[st] {
			if r != nil {
				r.leave()
				left[i].importer = importer
			}
		}
		n.startTasks(moved, left)
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
	if got := sink.Writer().PushID(); got != id || id == "" {
		t.Errorf("push-id %q, it was %q", got, id)
	}
	feed(func() bool { return st.Forwards()[0].Packets >= uint64(last) }) // it is shown once a second
	if v := st.Forwards()[0]; v.Reconnects != 3 || v.Failures != 0 {
		t.Errorf("%+v", v)
	}
}
