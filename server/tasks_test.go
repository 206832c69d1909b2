package server

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"pumpd/server/config"
	"pumpd/server/pull"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// taskRig is a server that does nothing but to run what its streams need.
func taskRig(t *testing.T, cfg config.Stream) (*Server, *stream.Stream) {
	t.Helper()
	c := config.Default()
	c.Streams = []config.Stream{cfg}
	s, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s.sources = ctx
	t.Cleanup(func() {
		stop()
		s.helpers.Wait()
		s.release()
	})
	return s, s.reg.Streams()[0]
}

// fileBesideSlate has two tasks, of which the slate's does not play, however long the other one takes to begin.
var fileBesideSlate = config.Stream{Path: "x", Enabled: true, Type: config.TypeFile, Slate: config.SlateBuiltin,
	SlateAfter: config.Duration(time.Hour)}

// What plays goes on in another server as the same source, to which nothing has happened.
func TestTasksMove(t *testing.T) {
	t.Parallel()
	cfg := fileBesideSlate
	n, moved := taskRig(t, cfg) // first, so that nothing of the other one is later than its clock
	s, st := taskRig(t, cfg)
	s.startTasks(st, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	await := func(st *stream.Stream, packets uint64) {
		t.Helper()
		for st.Stats().PacketsIn.Load() < packets {
			if ctx.Err() != nil {
				t.Fatal("no packets come")
			}
			time.Sleep(time.Millisecond)
		}
	}
	await(st, 5)
	for _, r := range s.running[st] { // all of them before anything is looked at
		if r == nil {
			continue
		}
		if err := r.park(ctx); err != nil {
			t.Fatal(err)
		}
	}
	x := st.Export()
	var left []*inheritance
	for i := range tasks {
		r := s.running[st][i]
		if r == nil {
			left = append(left, nil)
			continue
		}
		snapshot, fd := r.snapshot(x)
		if err := snapshot.check(); err != nil || fd != -1 { // both play what is built in
			t.Errorf("task %d: %v, descriptor %d", i, err, fd)
		}
		left = append(left, &inheritance{taskSnapshot: *streamtest.Gob(t, &snapshot)})
	}
	streamtest.Move(t, st, moved)
	for _, r := range s.running[st] {
		if r != nil {
			r.leave()
		}
	}
	before := moved.Stats().PacketsIn.Load()
	n.startTasks(moved, left)
	moved.Settle()
	await(moved, before+5)
	if moved.State() != stream.Live || moved.Stats().Generations.Load() != 1 {
		t.Errorf("%v, %d generations", moved.State(), moved.Stats().Generations.Load())
	}
}

// A pull that stands still waits for the claim, which the slate lets go before it stands still itself: nobody describes
// the stream as the pull's while the pull does not know that it is.
func TestPullThatDoesNotKnowOfItsClaim(t *testing.T) {
	t.Parallel()
	s, st := taskRig(t, config.Stream{Path: "x", Enabled: true, Type: config.TypePull, URL: "http://192.0.2.1/"})
	pulls := &running{ended: make(chan struct{}), signal: standstill.NewSignal()}
	go func() {
		defer close(pulls.ended)
		(<-pulls.signal.Asked()).Stand(t.Context(), standstill.State{Snapshot: &pull.Snapshot{}, FD: -1})
	}()
	s.running[st] = []*running{pulls}
	slate, err := st.Claim(stream.Claim{Kind: stream.Slate, Evict: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	granted, done, err := st.Inherit(stream.Claim{Kind: stream.Pull}, func() {})
	if err != nil || done {
		t.Fatalf("the claim is there at once %v, error %v", done, err)
	}
	if err := pulls.park(t.Context()); err != nil {
		t.Fatal(err)
	}
	depart := func() error {
		d, err := s.depart(&freeze{s: s, loops: &atRest{}}, prepared{Streams: []string{"x"}})
		if err == nil {
			d.stays()
		}
		return err
	}
	if err := depart(); !errors.Is(err, errContested) {
		t.Errorf("it waits for the claim: %v", err)
	}
	slate.Yield()
	if err := depart(); !errors.Is(err, errContested) {
		t.Errorf("it has the claim, and has not heard of it: %v", err)
	}
	granted.Yield()
	if err := depart(); err != nil {
		t.Errorf("nobody has the claim: %v", err)
	}
	pulls.goOn()
	<-pulls.ended
}

// What runs for a stream stands still together, does nothing to it meanwhile, and goes on or is gone.
func TestTasksStandStill(t *testing.T) {
	t.Parallel()
	s, st := taskRig(t, fileBesideSlate)
	s.startTasks(st, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	each := func(do func(*running)) {
		for _, r := range s.running[st] {
			if r != nil {
				do(r)
			}
		}
	}
	packets := func() uint64 { return st.Stats().PacketsIn.Load() }
	await := func(more uint64) {
		t.Helper()
		for n := packets(); packets() < n+more; {
			if ctx.Err() != nil {
				t.Fatal("no packets come")
			}
			time.Sleep(time.Millisecond)
		}
	}
	for range 3 {
		await(3)
		each(func(r *running) {
			if err := r.park(ctx); err != nil {
				t.Fatal(err)
			}
		})
		still := packets()
		time.Sleep(200 * time.Millisecond) // of a file that has a packet every 40 ms
		if n := packets(); n != still {
			t.Errorf("%d packets while all stand still", n-still)
		}
		each((*running).goOn)
	}
	await(1)
	each(func(r *running) {
		if err := r.park(ctx); err != nil {
			t.Fatal(err)
		}
	})
	each((*running).leave)
	each(func(r *running) { <-r.ended })
	if st.Writer() != nil || st.State() != stream.Orphaned || st.Joins() == nil {
		t.Errorf("who has left it: writer %v, state %v, joins %v", st.Writer(), st.State(), st.Joins())
	}
}
