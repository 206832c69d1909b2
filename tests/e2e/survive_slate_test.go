package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const slateAfter = 2 * time.Second // no encoder is so late, on a machine that has much else to do

func slateStream(path string) string { return slateStreamAfter(path, slateAfter) }

func slateStreamAfter(path string, after time.Duration) string {
	return pushStream(path) + fmt.Sprintf("slate = \"builtin\"\nslate_after = %q\n", after)
}

// The slate plays when nobody has fed the stream for slate_after, and until the encoder's first key frame. Its header
// is another one, so viewers cross twice, by their dialects.
func TestSlate(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", slateStream("live"))
	m.awaitSource(t, "slate")
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 10)

	// A header and packets without a key frame do not end it.
	e := pushTo(t, m.addr, "live", sampleHeader())
	for i := 1; i < len(layouts); i++ {
		e.send(t, 'D', layouts[i].packet(uint32(i)*20, uint8(i)))
	}
	awaitAllMore(t, all, 10)
	m.awaitSource(t, "slate")
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})

	sent := samplePackets(2*len(layouts), 20)
	for _, b := range sent {
		e.send(t, 'D', b)
	}
	stop := e.sendOn(t, len(sent))
	stay := checkCrossed(t, all, 1, sent)
	m.awaitSource(t, "push")
	m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4, Generations: 2,
		Left: map[string]uint64{"header_changed": 3}})

	next := stop()
	lost := time.Now()
	e.send(t, 'D', next)
	e.Close()
	for _, w := range stay {
		a := w.await(t, "the slate", func(a account) bool {
			return len(a.heads) == 3 && a.seen[len(a.seen)-1].generation == 2
		})
		first := firstOf(a, 2)
		if took := first.at.Sub(lost); took < slateAfter-100*time.Millisecond {
			t.Errorf("%s: the slate came after %v, slate_after is %v", w.name, took, slateAfter)
		}
	}
	m.awaitSource(t, "slate")
	m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4, Generations: 3,
		Left: map[string]uint64{"header_changed": 3}})

	startEncoder(t, m, "live", synthetic)
	for _, w := range stay {
		a := w.await(t, "the encoder again",
			func(a account) bool { return len(a.heads) == 4 && a.seen[len(a.seen)-1].generation == 3 })
		if first := firstOf(a, 3); first.number != 0 {
			t.Errorf("%s: packet %d of the encoder comes first, want 0", w.name, first.number)
		}
	}
	m.awaitSource(t, "push")
	m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4, Generations: 4,
		Left: map[string]uint64{"header_changed": 3}})
}

// sendOn goes on as an encoder does, behind n packets of a sample, until it is told to stop; then it gives the next
// one.
func (e *encoder) sendOn(t *testing.T, n int) (stop func() (next []byte)) {
	const step = 20 // ms
	over, last := make(chan struct{}), make(chan []byte)
	go func() {
		tick := time.NewTicker(step * time.Millisecond)
		defer tick.Stop()
		for i := n; ; i++ {
			b := layouts[i%len(layouts)].packet(uint32(i)*step, uint8(i))
			select {
			case <-over:
				last <- b
				return
			case <-t.Context().Done():
				return
			case <-tick.C:
			}
			_, _ = e.Write(pushFrame('D', b)) // whoever watches finds out what does not come
		}
	}()
	return func() []byte {
		close(over)
		return <-last
	}
}

// checkCrossed wants those that can cross to have done so, into a generation that begins with these packets, and the
// others to have been closed. It gives those that stay.
func checkCrossed(t *testing.T, all []*witness, generation int, sent [][]byte) (stay []*witness) {
	t.Helper()
	for _, w := range all {
		want := endChanged[w.name]
		w.awaitEnd(t, want)
		if want != watching {
			continue
		}
		stay = append(stay, w)
		old := func(s sighting) bool { return s.generation < generation }
		var rest []sighting
		w.await(t, "the new header's packets", func(a account) bool {
			rest = slices.DeleteFunc(slices.Clone(a.seen), old)
			return len(rest) >= len(sent)
		})
		for i, b := range sent {
			parts, err := cutPacket(b)
			if err != nil {
				t.Fatal(err)
			}
			if rest[i].content() != parts.content() {
				t.Errorf("%s: packet %d of the new header is not the encoder's", w.name, i)
				break
			}
		}
	}
	return stay
}

func firstOf(a account, generation int) sighting {
	for _, s := range a.seen {
		if s.generation == generation {
			return s
		}
	}
	return sighting{}
}

// awaitSource waits until the stream "live" is fed by a push or the slate.
func (m *mortal) awaitSource(t *testing.T, kind string) {
	t.Helper()
	m.awaitStatus(t, "live", "fed by a "+kind, func(s streamStatus) bool {
		return s.State == "live" && s.Source != nil && s.Source.Kind == kind
	})
}

// slateClip makes an encoder that sends what the built-in slate is.
var slateClip = []string{"push", "-loop", filepath.Join(repository, "server", "play", "clip", "demo.asf")}

// startOwnSlate has a stream with a slate of its encoder's own header, which is watched.
func startOwnSlate(t *testing.T) (*mortal, *process, []*witness) {
	t.Helper()
	m := startMortal(t, "", slateStream("live"))
	e := startEncoder(t, m, "live", slateClip)
	m.awaitSource(t, "push")
	waitLive(t, m.addr, streamPath("live"))
	return m, e, startWitnesses(t, m.addr, "live")
}

func checkOneHeader(t *testing.T, all []*witness) {
	t.Helper()
	for _, w := range all {
		if a, _ := w.account(); len(a.heads) != 1 {
			t.Errorf("%s: %d headers, want one", w.name, len(a.heads))
		}
	}
}

// A slate with the encoder's own header has no seam: nobody crosses anything, in no dialect.
func TestSlateWithTheSameHeader(t *testing.T) {
	t.Parallel()
	m, e, all := startOwnSlate(t)
	for range 2 {
		awaitAllMore(t, all, 20)
		e.kill9()
		m.awaitSource(t, "slate")
		awaitAllMore(t, all, 40)
		e = startEncoder(t, m, "live", slateClip)
		m.awaitSource(t, "push")
	}
	awaitAllMore(t, all, 40)
	checkOneHeader(t, all)
	s := m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == 4 })
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: s.Generations})
	if s.Generations != 1 {
		t.Errorf("%d generations, want 1: the slate's header is the encoder's", s.Generations)
	}
}

// An encoder that stops, with its connection open, is away as well, and goes on at its next key frame.
func TestSlateWhileEncoderIsStopped(t *testing.T) {
	t.Parallel()
	m, e, all := startOwnSlate(t)
	for range 2 {
		awaitAllMore(t, all, 20)
		e.pause()
		m.awaitSource(t, "slate")
		awaitAllMore(t, all, 20)
		e.resume()
		m.awaitSource(t, "push")
	}
	awaitAllMore(t, all, 20)
	checkOneHeader(t, all)
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}
