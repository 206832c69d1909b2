package e2e

import (
	"testing"
	"time"
)

// What happens to the encoder's clock while it runs. A jump is a new generation: each dialect crosses it as it would
// cross to another header, and who asks again finds a header. Small steps are none of the pump's business.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	const mid = 2 * 3600 * 1000 // ms, away from both ends of a u32
	for _, c := range []struct {
		name  string
		begin uint32 // ms
		by    time.Duration
		new   bool // generation
	}{
		{"an hour ahead", mid, time.Hour, true},
		{"an hour back", mid, -time.Hour, true},
		{"back to 0", mid, -mid * time.Millisecond, true},
		{"five minutes ahead", mid, 5 * time.Minute, false},
		{"over the end of 32 bits", 1<<32 - 300, 200 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testClockJump(t, c.begin, c.by, c.new)
		})
	}
}

func testClockJump(t *testing.T, begin uint32, by time.Duration, isNew bool) {
	m := startMortal(t, "", pushStream("live"))
	e := pushTo(t, m.addr, "live", sampleHeader())
	e.send(t, 'D', layouts[0].packet(begin, 0))
	waitLive(t, m.addr, streamPath("live"))
	var all []*witness
	asked := make(chan error, 1)
	for _, agent := range allAgents {
		w := newWitness(watch(t, m.addr, "live", agent))
		w.reopen = func([]byte) {
			_, err := describe(m.addr, "live")
			asked <- err
		}
		w.begin(t)
		all = append(all, w)
	}
	const n = 12
	at := begin + 20
	for i := 1; i < 2*n; i++ {
		if i == n {
			at += uint32(by.Milliseconds())
		}
		e.send(t, 'D', layouts[i%len(layouts)].packet(at, uint8(i)))
		at += 20
	}
	generation := 0
	if isNew {
		generation = 1
	}
	for _, w := range all {
		want := watching
		if isNew {
			want = endChanged[w.name]
		}
		if want == watching {
			a := w.await(t, "all packets", func(a account) bool { return len(a.seen) == 2*n })
			if got := a.seen[n].generation; got != generation {
				t.Errorf("%s: the packet after the jump is of generation %d, want %d", w.name, got, generation)
			}
		}
		w.awaitEnd(t, want)
	}
	if isNew {
		if err := <-asked; err != nil {
			t.Errorf("after $E(1): %v", err)
		}
		m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4, Generations: 2,
			Left: map[string]uint64{"header_changed": 3}})
		return
	}
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}
