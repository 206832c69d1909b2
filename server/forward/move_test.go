package forward

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/gobtest"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
	"pumpd/server/upstream"
	"pumpd/server/view"
)

// A walk is a scene's forward as it runs in a process, where it can be asked to stand still.
type walk struct {
	s      *scene
	signal *standstill.Signal
	ended  chan struct{}
	stop   context.CancelFunc
}

func (s *scene) walk() *walk {
	ctx, stop := context.WithCancel(s.t.Context())
	w := &walk{s: s, signal: standstill.NewSignal(), ended: make(chan struct{}), stop: stop}
	go func() {
		defer close(w.ended)
		runAll(ctx, []*forward{s.f}, w.signal)
	}()
	return w
}

// park has it stand still, for which it takes no time.
func (w *walk) park() {
	w.s.t.Helper()
	begun := time.Now()
	if err := w.signal.Park(w.s.t.Context(), w.ended); err != nil || time.Since(begun) > 0 {
		w.s.t.Fatalf("%v after %v", err, time.Since(begun))
	}
	w.s.calls.Wait() // its connection is closed
}

// end ends it, and waits for the server.
func (w *walk) end() {
	w.stop()
	<-w.ended
	w.s.calls.Wait()
}

// moved is the scene in another process, which has the stream and what the forward has left. The forward is to leave.
func (w *walk) moved(spoil func(*Snapshot)) *scene {
	s := w.s
	s.t.Helper()
	x := s.st.Export()
	left := gobtest.Passed(s.t, *w.signal.State().Snapshot.(*Standing).Describe(x))
	if spoil != nil {
		spoil(&left)
	}
	if err := left.Check(); err != nil {
		s.t.Fatal(err)
	}
	n := &scene{t: s.t, log: s.log, script: s.script, next: s.next, dials: s.dials}
	n.st, _ = streamtest.New(s.t, *s.st.Config(), streamtest.Options{Log: slog.New(s.log), Clock: s.st.Clock()})
	from := Inherit(&left, streamtest.Import(s.t, x, n.st))
	w.signal.Leave()
	w.end()
	if n.source = n.st.Resume(nil); n.source == nil {
		s.t.Fatal("there is no writer")
	}
	all, err := newForwards(n.st, config.Default(), "pumpd-0123456789abcdef", n.connect)
	if err != nil {
		s.t.Fatal(err)
	}
	from.restore(all)
	n.f = all[0]
	n.f.random = func() float64 { return 0.5 }
	s.t.Cleanup(n.calls.Wait)
	return n
}

// To a server that says nothing of what it has, a forward that moves is an encoder whose connection broke: the push-id
// is the same, nothing is missing and nothing comes twice. So it is for one that only stood still.
func TestMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got taken
		var ids []string
		s := newScene(t, func(c *call) {
			head, ok := c.request()
			if !ok {
				return
			}
			_, id, _ := strings.Cut(head, "push-id=")
			id, _, _ = strings.Cut(id, "\r\n")
			ids = append(ids, id)
			c.accept("4711")
			c.body(&got, nil)
		})
		w := s.walk()
		s.header(320)
		s.push(25)
		w.park()
		s.push(5)
		w.signal.GoOn()
		s.push(20)
		for range 2 {
			w.park()
			s = w.moved(nil)
			s.push(5)
			w = s.walk()
			s.push(20)
		}
		time.Sleep(2 * lookTime) // it is shown once a second
		v := s.shows(view.ForwardPushing)
		// What waited to be written when a connection was to end counts as sent again.
		if v.Packets != 100+v.Resent || v.Reconnects != 3 || v.Failures != 0 || v.Bytes < 50_000 || v.Skips != 0 {
			t.Errorf("%+v", v)
		}
		s.source.End()
		time.Sleep(time.Second)
		w.end()
		if want := []string{"0", "4711", "4711", "4711"}; !slices.Equal(ids, want) {
			t.Errorf("push-ids %q, want %q", ids, want)
		}
		if got.kinds != "HDHDHDHDE" || !slices.Equal(got.numbers, asftest.Numbers(0, 100)) {
			t.Errorf("frames %s, packets %v", got.kinds, got.numbers)
		}
	})
}

// What is held for a server that cannot be reached is held in the next process too, and sent when that reaches it.
func TestMovesInABreak(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Snapshot)
		whole bool
	}{
		{"as it was", nil, true},
		{"with another name", func(s *Snapshot) { s.Forwards[0].Name += "x" }, false},
		{"of an element that did not come", func(s *Snapshot) { s.Forwards[0].Position.Sent.Order += 1000 }, false},
		{"of no generation", func(s *Snapshot) { s.Forwards[0].Position.Kept.Generation = -1 }, false},
		{"with places that go backwards", func(s *Snapshot) { s.Forwards[0].Position.Acknowledged.Order = 0 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got taken
				var away atomic.Bool
				s := newScene(t, func(c *call) {
					if !away.Load() {
						c.takes("4711", &got, func(n int) bool { return n >= 27 && c.n == 1 })
						away.Store(c.n == 1)
					}
				})
				w := s.walk()
				s.header(320)
				s.push(150)
				w.park()
				s = w.moved(c.spoil)
				w = s.walk()
				s.push(25)
				away.Store(false)
				s.push(200)
				w.end()
				if whole := slices.Equal(got.numbers[:160], asftest.Numbers(0, 160)); whole != c.whole {
					t.Errorf("whole %v, want %v: packets %v", whole, c.whole, got.numbers)
				}
			})
		})
	}
}

// A place comes back as it was, with what is sent and not acknowledged.
func TestPositionMoves(t *testing.T) {
	st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypePush}, streamtest.Options{})
	src, err := st.Claim(stream.Claim{Kind: stream.Push})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(30) {
		if err := src.Packet(asftest.Packet(i, i*40, true, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
	}
	f := &forward{id: "1"}
	j := st.Joins()
	f.position.begin(point{j.Start, j.Gen})
	for i := range int64(5) {
		f.position.pass(f.position.sent.at.Next())
		f.position.open[i].end = i
	}
	f.position.acknowledge(2)
	x := st.Export()
	s := gobtest.Passed(t, *(&Standing{[]*forward{f}}).Describe(x))
	to, _ := streamtest.New(t, *st.Config(), streamtest.Options{Clock: st.Clock()})
	got := Inherit(&s, streamtest.Import(t, x, to)).left[0].position
	for i, p := range [][2]point{
		{f.position.kept, got.kept}, {f.position.acknowledged(), got.acknowledged()}, {f.position.sent, got.sent},
	} {
		if p[1].at == nil || p[0].at.Order() != p[1].at.Order() || p[1].gen != to.Joins().Gen {
			t.Errorf("point %d: %+v, want that of %+v", i, p[1], p[0])
		}
	}
	if got.acknowledge(0); len(got.open) != 0 {
		t.Error("what an old connection was to send is never acknowledged")
	}
}

// What cannot be a push-id never comes into a request of another process.
func TestCheckRefuses(t *testing.T) {
	good := Snapshot{Forwards: []ForwardSnapshot{{Name: "x", ID: upstream.NoPushID}}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "1\r\nX: 2", "a b", "1;2", "\x7f", strings.Repeat("1", mostID+1)} {
		if err := (&Snapshot{Forwards: []ForwardSnapshot{{ID: id}}}).Check(); err == nil {
			t.Errorf("push-id %q is taken", id)
		}
		f := &forward{id: id}
		if got := (&Standing{[]*forward{f}}).Describe(nil); len(got.Forwards) > 0 {
			t.Errorf("push-id %q moves", id)
		}
	}
	if err := (&Snapshot{Forwards: make([]ForwardSnapshot, mostForwards+1)}).Check(); err == nil {
		t.Error("too many are taken")
	}
	long := ForwardSnapshot{Name: strings.Repeat("x", mostName+1), ID: "1"}
	if err := (&Snapshot{Forwards: []ForwardSnapshot{long}}).Check(); err == nil {
		t.Error("a name without end is taken")
	}
}

// FuzzSnapshot takes what a process has left of forwards, or what has become of that. If it does, they push.
func FuzzSnapshot(f *testing.F) {
	at := func(order uint64) PointSnapshot { return PointSnapshot{Order: order} }
	seed := Snapshot{Forwards: []ForwardSnapshot{{Name: upstream.AsConfigured(testURL), ID: "4711", Met: true,
		Position: &PositionSnapshot{at(3), at(5), at(9)}, Packets: 3, Bytes: 4}}}
	f.Add(gobtest.Encoded(f, seed), []byte{})
	f.Add(gobtest.Encoded(f, seed), []byte{3, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b, script []byte) {
		var left Snapshot
		if len(b) > 1<<16 || len(script) > 100 || gob.NewDecoder(bytes.NewReader(b)).Decode(&left) != nil {
			return
		}
		if gobtest.Spoil(&left, script); left.Check() != nil {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			var got taken
			s := newScene(t, func(c *call) { c.takes("4711", &got, nil) })
			s.header(320)
			s.push(30)
			x := s.st.Export()
			n := &scene{t: t, log: s.log, script: s.script, next: s.next}
			n.st, _ = streamtest.New(t, *s.st.Config(), streamtest.Options{Log: slog.New(s.log), Clock: s.st.Clock()})
			from := Inherit(&left, streamtest.Import(t, x, n.st))
			n.source = n.st.Resume(nil)
			all, err := newForwards(n.st, config.Default(), "pumpd-0123456789abcdef", n.connect)
			if err != nil {
				t.Fatal(err)
			}
			from.restore(all)
			n.f = all[0]
			w := n.walk()
			n.push(30)
			w.end()
			if last := len(got.numbers) - 1; last < 0 || got.numbers[last] < 55 {
				t.Fatal(errors.New("nothing is pushed"), got.numbers)
			}
		})
	})
}
