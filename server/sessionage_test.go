package server

import (
	"testing"
	"time"

	"pumpd/server/clock"
)

// Sessions are forgotten when they are over, whatever was done with them before; and none is in the queue twice.
func TestSessionsAreForgotten(t *testing.T) {
	r, at := newSessions(), clock.Instant(1)
	play := func(id uint32) {
		r.use(id, testClient, at, true)
	}
	idle, used, played, again := r.open(testClient, at, false), r.open(testClient, at, false),
		r.open(testClient, at, true), r.open(testClient, at, false)
	play(again)
	step := func(d time.Duration, want ...uint32) {
		t.Helper()
		at = at.Add(d)
		r.forget(at)
		if len(r.byID) != len(want) {
			t.Errorf("after %v: %d sessions, want %d", time.Duration(at), len(r.byID), len(want))
		}
		for _, id := range want {
			if _, ok := r.byID[id]; !ok {
				t.Errorf("after %v: %d is missing", time.Duration(at), id)
			}
		}
	}
	step(40*time.Second, idle, used, played, again)
	for range 5 {
		r.use(used, testClient, at, false)
		r.stop(again, testClient, at)
		play(again)
	}
	step(30*time.Second, used, played, again)
	step(40*time.Second, played, again)
	r.stop(played, testClient, at)
	r.stop(again, testClient, at)
	r.stop(again, testClient, at)
	if len(r.ages) != 2 {
		t.Errorf("%d in the queue, want 2", len(r.ages))
	}
	step(40*time.Second, played, again)
	step(30 * time.Second)
	if len(r.ages) != 0 {
		t.Errorf("%d in the queue of nobody", len(r.ages))
	}
}

// A flood of Describes makes the oldest idle sessions go, one for each that comes, and no Play.
func TestSessionsAreBounded(t *testing.T) {
	r := newSessions()
	play, first, second := r.open(testClient, 1, true), r.open(testClient, 1, false), r.open(testClient, 1, false)
	for len(r.byID) < maxSessions {
		r.open(testClient, 1, false)
	}
	r.open(testClient, 1, false)
	for id, want := range map[uint32]bool{play: true, first: false, second: true} {
		if _, ok := r.byID[id]; ok != want {
			t.Errorf("client-id %d is there: %v, want %v", id, ok, want)
		}
	}
	if len(r.byID) != maxSessions || len(r.ages) != maxSessions-1 {
		t.Errorf("%d sessions, %d in the queue, limit %d", len(r.byID), len(r.ages), maxSessions)
	}
}

// Forgetting holds the mutex for a bounded time, and ids that are not forgotten yet are no good.
func TestForgettingIsBounded(t *testing.T) {
	r := newSessions()
	const many = 3 * maxForgotten
	for range many {
		r.open(testClient, 1, false)
	}
	at := clock.Instant(0).Add(2 * sessionLife)
	r.forgetTurn(at)
	if n := many - len(r.byID); n != maxForgotten {
		t.Errorf("%d forgotten at once, want %d", n, maxForgotten)
	}
	last := r.ages[len(r.ages)-1].id
	if r.use(last, testClient, at, false) != sessionUnknown {
		t.Error("a session that is over is known")
	}
	before := len(r.byID)
	r.open(testClient, at, false)
	if n := len(r.byID); n >= before {
		t.Errorf("%d sessions after %d and one that came, want fewer", n, before)
	}
}

func BenchmarkOpenSession(b *testing.B) {
	r := newSessions()
	for range maxSessions {
		r.open(testClient, 1, true) // all play
	}
	for b.Loop() {
		r.open(testClient, 1, false)
	}
}

// What a flood of Describes has taken is given back when those sessions are over, and the others stay.
func TestSessionsShrink(t *testing.T) {
	r := newSessions()
	play := r.open(testClient, 1, true)
	for range 5 * maxForgotten {
		r.open(testClient, 1, false)
	}
	if r.forget(1) {
		t.Error("room is given back that is used")
	}
	late := clock.Instant(1).Add(2 * sessionLife)
	if !r.forget(late) || r.forget(late) {
		t.Error("it is to say once that room is given back")
	}
	if r.peak != 1 || cap(r.ages) > 0 {
		t.Errorf("room for %d sessions and a queue of %d", r.peak, cap(r.ages))
	}
	if _, played := r.stop(play, testClient, late); !played {
		t.Error("the Play is forgotten")
	}
}
