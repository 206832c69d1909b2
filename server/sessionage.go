package server

import (
	"maps"
	"time"

	"pumpd/server/clock"
)

// Sessions expire through a queue, a few at a time: walking through 131,072 of them would keep every Describe waiting
// at the mutex. Each session without a Play is in the queue once. When it comes to the front it is forgotten if it is
// over, or goes to the end if it was used since.

// An age is a session's place in the queue.
type age struct {
	id  uint32
	due uint32 // the second in which it is looked at
}

const (
	maxForgotten = 4096 // sessions in one turn: under a millisecond
	forgetTurns  = 8    // each second: all that there can be are forgotten in four
)

// age puts an idle session in the queue, if it is not there. For whoever holds the mutex.
func (t *sessions) age(id uint32, s *session) {
	if s.ends != playing && !s.aging {
		s.aging = true
		t.ages = append(t.ages, age{id, s.ends})
	}
}

// forget drops sessions that are over, in turns between which others have the mutex, and says whether that has left
// much memory to be collected. It is called once a second.
func (t *sessions) forget(now clock.Instant) (left bool) {
	for range forgetTurns {
		left = t.forgetTurn(now) || left
	}
	return left
}

func (t *sessions) forgetTurn(now clock.Instant) (left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetSome(now, maxForgotten)
	return t.shrink()
}

// shrink lets go of what a flood of Describes has left: room for sessions that are no more. For whoever holds the
// mutex.
func (t *sessions) shrink() bool {
	if len(t.byID) > maxForgotten || t.peak <= 4*maxForgotten {
		return false
	}
	few := make(map[uint32]session, len(t.byID))
	maps.Copy(few, t.byID)
	t.byID, t.ages, t.peak = few, append([]age(nil), t.ages...), len(few)
	return true
}

// forgetSome drops sessions that are over, and looks at no more than most. For whoever holds the mutex.
func (t *sessions) forgetSome(now clock.Instant, most int) {
	second := uint32(time.Duration(now) / time.Second)
	for ; most > 0 && len(t.ages) > 0 && t.ages[0].due <= second; most-- {
		id, s := t.oldest()
		if s.over(now) {
			delete(t.byID, id)
			continue
		}
		t.age(id, &s)
		t.byID[id] = s
	}
}

// makeRoom drops the oldest idle session. Where all play there is none: connections bound those. For whoever holds the
// mutex.
func (t *sessions) makeRoom() {
	for len(t.byID) >= maxSessions && len(t.ages) > 0 {
		id, s := t.oldest()
		if s.ends == playing {
			t.byID[id] = s
			continue
		}
		delete(t.byID, id)
	}
}

// oldest takes the session at the front out of the queue.
func (t *sessions) oldest() (id uint32, s session) {
	id = t.ages[0].id
	t.ages = t.ages[1:]
	s = t.byID[id]
	s.aging = false
	return id, s
}
