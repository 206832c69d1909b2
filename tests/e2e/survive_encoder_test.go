package e2e

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"
)

// The encoder is killed and comes back with the same header: nobody is closed, counters go on, and the times of the new
// encoder, which begins at 0, are moved so that the outage is a gap of its own length (server/stream/times.go).
func TestEncoderKilled(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live"))
	e := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 30)
	e.kill9()
	m.awaitState(t, "live", "orphaned")
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
	<-time.After(time.Second) // the outage, long against what the machine may add to it
	startEncoder(t, m, "live", synthetic)
	awaitAllMore(t, all, 20)
	m.awaitState(t, "live", "live")
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
	checkRestarts(t, all, 1)
}

// checkRestarts wants each witness to have seen one stream, of one header, in which the encoder began anew so often,
// each time from its first packet on.
func checkRestarts(t *testing.T, all []*witness, times int) {
	t.Helper()
	for _, w := range all {
		a, _ := w.account()
		parts := runs(a.seen)
		if len(parts) != times+1 || len(a.heads) != 1 {
			t.Errorf("%s: %s and %d headers, want %d runs of packets, one header", w.name, describeRuns(parts), len(a.heads),
				times+1)
			continue
		}
		for i := range times {
			checkMoved(t, w.name, parts[i], parts[i+1])
		}
	}
}

// It comes back with another header: each dialect crosses as it can (mmsh.md §9). Those that are told to ask again find
// the new header there, however fast they are.
func TestEncoderComesBackWithAnotherHeader(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live"))
	e := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	const crowd = 20 // more old players, to ask at once
	var asked sync.Map
	all := startWitnesses(t, m.addr, "live")
	for i := range crowd {
		w := newWitness(watch(t, m.addr, "live", agentOld))
		w.reopen = func(old []byte) { asked.Store(i, asksAnew(m.addr, "live", old)) }
		w.begin(t)
		all = append(all, w)
	}
	awaitAllMore(t, all, 20)
	e.kill9()
	m.awaitState(t, "live", "orphaned")
	startEncoder(t, m, "live", otherSynthetic)
	for _, w := range all {
		want := endChanged[w.name]
		if want == watching {
			w.await(t, "20 packets of the new header", func(a account) bool {
				return len(a.seen) > 20 && a.seen[len(a.seen)-20].generation == 1
			})
		}
		w.awaitEnd(t, want)
	}
	header, err := describe(m.addr, "live")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		a, _ := w.account()
		parts := runs(a.seen)
		if a.end != watching {
			if len(parts) != 1 || len(a.heads) != 1 {
				t.Errorf("%s: %s, %d headers, want one of each and the end", w.name, describeRuns(parts), len(a.heads))
			}
			continue
		}
		if len(parts) != 2 || len(a.heads) != 2 || parts[1][0].number != 0 {
			t.Errorf("%s: %s, %d headers, want two of each and the encoder's first packet", w.name, describeRuns(parts),
				len(a.heads))
		} else if !bytes.Equal(a.heads[1], header) {
			t.Errorf("%s: the header in band is not the one of a Describe", w.name)
		}
	}
	n := 0
	asked.Range(func(_, err any) bool {
		if n++; err != error(nil) {
			t.Errorf("after $E(1): %v", err)
		}
		return true
	})
	if n != crowd {
		t.Errorf("%d of %d were told to ask again", n, crowd)
	}
	m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4 + crowd, Generations: 2,
		Left: map[string]uint64{"header_changed": 3 + crowd}})
}

// asksAnew does what libmms does at $E(1): it wants to be told another header than the old one.
func asksAnew(addr, stream string, old []byte) error {
	header, err := describe(addr, stream)
	if err == nil && bytes.Equal(header, old) {
		err = fmt.Errorf("a Describe gives the old header")
	}
	return err
}

// When the grace is over and no encoder has come, viewers are told that the stream is over, with a reason that makes
// none of them come back for ever; and who asks then gets 503, until there is an encoder again.
func TestGraceEnds(t *testing.T) {
	t.Parallel()
	m := startMortal(t, shortGrace, pushStream("live"))
	e := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 10)
	e.kill9()
	for _, w := range all {
		w.awaitEnd(t, endOver[w.name])
	}
	m.awaitState(t, "live", "idle")
	m.awaitCounters(t, "live", counters{Joined: 4, Generations: 1, Left: map[string]uint64{"source_ended": 4}})
	if header, err := describe(m.addr, "live"); err == nil {
		t.Errorf("a Describe of a stream that is over gives a header of %d bytes, want 503", len(header))
	}
	startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	awaitAllMore(t, startWitnesses(t, m.addr, "live"), 10)
}

// Twenty encoders in a row, each of which is killed when it has sent for 300 ms: the next one comes at once, or when
// the loss has been noticed.
func TestEncoderRestartedTwentyTimes(t *testing.T) {
	t.Parallel()
	for name, noticed := range map[string]bool{"at once": false, "when it is missed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const times = 20
			m := startMortal(t, "", pushStream("live"))
			e := startEncoder(t, m, "live", synthetic)
			waitLive(t, m.addr, streamPath("live"))
			all := startWitnesses(t, m.addr, "live")
			for i := range times {
				awaitAllMore(t, all, 6) // 56 ms each
				e.kill9()
				if noticed {
					m.awaitState(t, "live", "orphaned")
				}
				e = startEncoder(t, m, "live", synthetic)
				for _, w := range all {
					w.await(t, "the next encoder", func(a account) bool { return len(runs(a.seen)) == i+2 })
				}
			}
			awaitAllMore(t, all, 5)
			m.awaitState(t, "live", "live")
			m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
			checkRestarts(t, all, times)
		})
	}
}
