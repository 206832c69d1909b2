package server

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
)

// turnFor lets time pass, with all that a server does meanwhile.
func (r *rig) turnFor(d time.Duration) {
	for end := r.at.Add(d); r.at < end; {
		r.pass(250 * time.Millisecond)
		r.reg.Reap(r.at)
		r.turn()
	}
}

// A stream is up with its first key frame, not with its header.
func TestHeaderAloneIsNoStream(t *testing.T) {
	r := newRig(t, nil, "a")
	st := r.reg.Streams()[0]
	e := startedPush(r)
	e.next = 5
	e.push(4)
	if p := r.watch("a", ffmpegAgent); !strings.Contains(p.status(), "503") || st.State() != stream.Idle {
		t.Errorf("%q while the stream is %v, want 503 and idle", p.status(), st.State())
	}
	e.push(3)
	p := r.watch("a", ffmpegAgent)
	if got := r.read(p.body()); !slices.Equal(got.numbers, numbers(10, 12)) || st.State() != stream.Live {
		t.Errorf("%+v of a stream that is %v, want two packets and live", got, st.State())
	}
}

// Encoders that come back with $H and nothing more, once or again and again, keep nobody waiting for longer than the
// grace of the one that fed the stream. Newcomers are sent away meanwhile, and when it is over.
func TestPushBackWithHeaderOnly(t *testing.T) {
	for _, c := range []struct {
		name  string
		width uint32
		stays time.Duration // each time
	}{
		{"once", 320, time.Hour},
		{"again and again", 320, 2 * time.Second},
		{"with another header", 640, time.Hour},
		{"again and again with another header", 640, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil, "a")
			st := r.reg.Streams()[0]
			first := startedPush(r)
			first.push(15)
			p := r.watch("a", ffmpegAgent)
			first.hangUp()
			lost := r.at
			r.turnFor(time.Second)
			if early := r.watch("a", ffmpegAgent); !strings.Contains(early.status(), "200") {
				t.Errorf("a newcomer in the grace: %q", early.status())
			}
			for r.at.Since(lost) < 29*time.Second {
				e := r.encoder()
				e.setUp()
				e.start(endless)
				e.header(c.width)
				r.turnFor(min(c.stays, lost.Add(29*time.Second).Since(r.at)))
				late := r.watch("a", ffmpegAgent)
				if !strings.Contains(late.status(), "503") || st.State() != stream.Orphaned {
					t.Fatalf("a newcomer after %v: %q, the stream is %v", r.at.Since(lost), late.status(), st.State())
				}
				if c.stays < time.Hour {
					e.hangUp()
					r.turnFor(time.Second)
				}
			}
			if p.fin && r.at.Since(lost) < 30*time.Second {
				t.Errorf("ended after %v, before the grace is over", r.at.Since(lost))
			}
			r.turnFor(lost.Add(31 * time.Second).Since(r.at))
			if got := r.read(p.body()); got.ended != 0 || !p.fin || got.headers != 1 {
				t.Errorf("31s after the loss: %+v, FIN %v; want the end", got, p.fin)
			}
			if late := r.watch("a", ffmpegAgent); !strings.Contains(late.status(), "503") || st.State() != stream.Idle {
				t.Errorf("a newcomer after the grace: %q, the stream is %v", late.status(), st.State())
			}
		})
	}
}

// One whose packets come at last, in the grace or after it, has the stream.
func TestPushBackWithHeaderLongBeforePackets(t *testing.T) {
	for _, c := range []struct {
		wait        time.Duration
		generations uint64
	}{{10 * time.Second, 1}, {40 * time.Second, 2}} {
		r := newRig(t, nil, "a")
		st := r.reg.Streams()[0]
		first := startedPush(r)
		first.push(15)
		old := r.watch("a", ffmpegAgent)
		first.hangUp()
		e := startedPush(r)
		r.turnFor(c.wait)
		e.next = 20
		e.push(5)
		p := r.watch("a", ffmpegAgent)
		if got := r.read(p.body()); st.State() != stream.Live || got.headers != 1 || !slices.Contains(got.numbers, 24) {
			t.Errorf("after %v: %v, %+v; want live", c.wait, st.State(), got)
		}
		if old.fin == (c.generations == 1) || st.Stats().Generations.Load() != c.generations {
			t.Errorf("after %v: %d generations, the viewer of before has FIN %v", c.wait, st.Stats().Generations.Load(), old.fin)
		}
	}
}

// An encoder that takes a stream over and has nothing to show ends it when the grace is over, and no viewer has crossed
// to its header.
func TestTakeoverWithHeaderOnly(t *testing.T) {
	for _, grace := range []time.Duration{0, 30 * time.Second} {
		r := newRig(t, func(c *config.Config) { c.Timeouts.SourceGrace = config.Duration(grace) }, "a")
		first := startedPush(r)
		first.push(15)
		p := r.watch("a", ffmpegAgent)
		second := r.encoder()
		second.setUp()
		second.start(endless)
		second.header(640)
		took := r.at
		end := max(grace, stream.KeyPatience) // a key frame must have time to come, however short the grace is
		r.turnFor(end - time.Second)
		if !first.fin || p.fin || r.read(p.body()).headers != 1 {
			t.Fatalf("grace %v: after %v: FIN of the first encoder %v, of the viewer %v, %+v", grace, r.at.Since(took),
				first.fin, p.fin,
				r.read(p.body()))
		}
		r.turnFor(2 * time.Second)
		if got := r.read(p.body()); got.ended != 0 || !p.fin {
			t.Errorf("grace %v: after %v: %+v", grace, r.at.Since(took), got)
		}
	}
}

// The slate plays beside one that claims the stream again and again and feeds it never.
func TestSlateBesideHeaderOnly(t *testing.T) {
	r := newRig(t, slated, "a")
	first := startedPush(r)
	first.push(15)
	first.hangUp()
	for range 2 {
		e := startedPush(r)
		r.turnFor(2 * time.Second)
		e.hangUp()
	}
	if r.slate(640) == nil {
		t.Error("no slate although nobody has fed the stream for slate_after")
	}
	r = newRig(t, slated, "a")
	startedPush(r)
	r.turnFor(3500 * time.Millisecond)
	if r.slate(640) == nil {
		t.Error("no slate beside a first encoder that has only a header")
	}
}
