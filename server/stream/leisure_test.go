package stream

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

func newStreams(c clock.Clock, paths ...string) (all []*Stream) {
	for i, path := range paths {
		all = append(all, New(i, &config.Stream{Path: path}, slog.New(slog.DiscardHandler), c, &config.Default().Server,
			func(int, clock.Instant) {}))
	}
	NewRegistry(c, time.Minute, all)
	return all
}

// A source waits to be called while there are loops that listen, and all of them have it called.
func TestCalled(t *testing.T) {
	st := newStreams(clock.New(), "a")[0]
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() { st.Listen(0) }, false},
		{func() { st.CalledBy(0, true) }, true},
		{func() { st.Listen(100) }, false},
		{func() { st.CalledBy(100, true) }, true},
		{func() { st.CalledBy(0, false) }, false},
		{func() { st.Unlisten(0) }, true},
		{func() { st.Unlisten(100) }, false}, // nobody listens
		{func() { st.Listen(100) }, false},   // and who comes back does not call yet
	} {
		if step.do(); st.Called() != step.want {
			t.Errorf("step %d: called %v, want %v", i, st.Called(), step.want)
		}
	}
	for _, leisurely := range []bool{true, false} {
		if st.SetLeisurely(leisurely); st.Leisurely() != leisurely {
			t.Errorf("leisurely %v, want %v", st.Leisurely(), leisurely)
		}
	}
}

// Readings are a period apart, however late loops are; what one has planned is for all.
func TestPlanReading(t *testing.T) {
	const ms = 1_000_000
	st := newStreams(clock.New(), "a")[0]
	for i, step := range []struct {
		now    clock.Instant
		period time.Duration
		want   clock.Instant
	}{
		{1000, 100, 1100}, // the first
		{1010, 90, 1100},
		{1104, 90, 1190},
		{1105, 100, 1190},
		{1199, 100, 1290},
		{1350, 100, 1450}, // much too late for the one at 1390
	} {
		if got := st.PlanReading(step.now*ms, step.period*ms); got != step.want*ms {
			t.Errorf("step %d: at %d ms, want %d", i, got/ms, step.want)
		}
	}
}

// A reader is a source that waits to be called.
type reader struct {
	*Stream
	takes atomic.Int64 // time.Duration
	read  atomic.Int64
}

func (r *reader) run(stop <-chan struct{}) {
	for {
		if r.AwaitCall(stop, nil); isClosed(stop) {
			return
		}
		time.Sleep(time.Duration(r.takes.Load()))
		r.read.Add(1)
		r.HasRead()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// All sources that wait are called at once, and waited for, for a while. Loops that call at the same time make one
// reading.
func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms, limit = time.Millisecond, 20 * time.Millisecond
		c, stop := clock.New(), make(chan struct{})
		all := newStreams(c, "a", "b", "c")
		var readers []*reader
		for i, takes := range []time.Duration{0, 3 * ms, 5 * ms} {
			readers = append(readers, &reader{Stream: all[i]})
			readers[i].takes.Store(int64(takes))
		}
		time.Sleep(time.Second)
		all[0].Read(c.Now(), limit) // nobody waits yet
		for _, r := range readers {
			go r.run(stop)
		}
		synctest.Wait()
		for _, step := range []struct {
			slow  time.Duration // what the last one takes
			after time.Duration
			want  time.Duration
			reads int64
		}{
			{5 * ms, 100 * ms, 5 * ms, 1},
			{5 * ms, 0, 0, 1}, // the same reading
			{50 * ms, 100 * ms, limit, 2},
			{5 * ms, 100 * ms, 5 * ms, 3},
		} {
			readers[2].takes.Store(int64(step.slow))
			time.Sleep(step.after)
			from := time.Now()
			all[1].Read(c.Now(), limit)
			if got := time.Since(from); got != step.want || readers[0].read.Load() != step.reads {
				t.Errorf("%v, %d readings, want %v, %d", got, readers[0].read.Load(), step.want, step.reads)
			}
		}
		all[0].CalledBy(0, false)
		synctest.Wait()
		if a, b := readers[0].read.Load(), readers[1].read.Load(); a != 4 || b != 3 {
			t.Errorf("%d and %d readings, want 4, for the one that is no more called, and 3", a, b)
		}
		close(stop)
	})
}

// A call may come when a source has just stopped to wait. It is neither lost nor two, and nobody is stuck.
func TestAwaitCallIsLate(t *testing.T) {
	st := newStreams(clock.New(), "a")[0]
	over := make(chan time.Time)
	close(over)
	for range 1000 {
		called := make(chan struct{})
		go func() {
			defer close(called)
			st.CalledBy(0, false)
		}()
		st.AwaitCall(nil, over)
		<-called
		st.CalledBy(0, false) // it does not wait
	}
}
