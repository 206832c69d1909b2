package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pumpd/server/reason"
)

// A herd that has been held is served a few at a time, so that a round comes in between, and is let go of at no cost.
func TestHerdIsServedInTurns(t *testing.T) {
	const herd = 5 * queueRequests
	r := newRig(t, holdFor(10*time.Second), "a")
	st := r.reg.Streams()[0]
	for range herd {
		r.watch("a", ffmpegAgent)
	}
	f := r.feeder(0, 320)
	f.publish(1)
	for turn := 1; turn <= 5; turn++ {
		r.turn()
		if n := st.Stats().Viewers.Load(); n != int64(turn*queueRequests) || st.Watched() != herd {
			t.Errorf("turn %d: %d viewers, %d watch or wait, want %d, %d", turn, n, st.Watched(), turn*queueRequests, herd)
		}
	}
	if st.Stats().Held.Load() != 0 || len(r.loop.queue) != 0 {
		t.Errorf("%d wait, %d in the queue", st.Stats().Held.Load(), len(r.loop.queue))
	}
}

// One that asks once is answered at once, whoever asks how much beside it.
func TestQueueIsFair(t *testing.T) {
	const options = "OPTIONS * HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n"
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(1)
	var greedy []*peer
	for range 50 {
		p := r.connect()
		p.say(strings.Repeat(options, 200))
		greedy = append(greedy, p)
	}
	answers := func() (n int) {
		for _, p := range greedy {
			n += strings.Count(string(p.got), " 200 OK")
		}
		return n
	}
	for turn := range 3 {
		before := answers()
		p := r.connect()
		p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + ffmpegAgent + "\r\n\r\n")
		if !strings.Contains(p.status(), "200") {
			t.Errorf("turn %d: one that asks once waits", turn)
		}
		greedy[0].say(options) // in the queue already
		if n := answers(); n != before {
			t.Errorf("turn %d: %d answers out of turn", turn, n-before)
		}
		r.turn()
		if n := answers() - before; n != queueRequests {
			t.Errorf("turn %d: %d answers, want %d", turn, n, queueRequests)
		}
	}
}

// Letting one go that waits costs the same among 40,000 as among few.
func TestUnholdFindsItsPlace(t *testing.T) {
	r := newRig(t, holdFor(time.Minute), "a")
	var all []*peer
	for range 100 {
		all = append(all, r.watch("a", ffmpegAgent))
	}
	for i := range all {
		all[(i*37)%len(all)].hangUp()
		for place, c := range r.loop.held[r.reg.Streams()[0]] {
			if int(c.heldSlot) != place {
				t.Fatalf("after %d: a conn at %d thinks it is at %d", i, place, c.heldSlot)
			}
		}
	}
	if n := r.reg.Streams()[0].Stats().Held.Load(); n != 0 || len(r.loop.held[r.reg.Streams()[0]]) != 0 {
		t.Errorf("%d wait", n)
	}
}

func BenchmarkUnhold(b *testing.B) {
	for _, herd := range []int{100, 10_000} {
		b.Run(fmt.Sprint(herd), func(b *testing.B) {
			r := newRig(b, holdFor(time.Minute), "a")
			for range herd {
				r.watch("a", ffmpegAgent)
			}
			for b.Loop() {
				p := r.watch("a", ffmpegAgent)
				p.hangUp()
				delete(r.peers, int(p.conn.fd))
			}
		})
	}
}

// An encoder whose password waits for its turn sends its stream already; it may, up to a limit.
func TestEncoderInTheQueueMaySend(t *testing.T) {
	r := newRig(t, nil, "a")
	p := r.connect()
	p.conn.phase, p.conn.waited, p.conn.deadline = holding, true, r.at.Add(time.Second)
	p.say(strings.Repeat("x", maxUnserved+1))
	if p.conn.why != reason.None {
		t.Errorf("ended: %v", p.conn.why)
	}
	p.say(strings.Repeat("x", maxWaiting))
	if p.conn.why != reason.TooLarge {
		t.Errorf("%d bytes: %v, want too_large", len(p.in), p.conn.why)
	}
}
