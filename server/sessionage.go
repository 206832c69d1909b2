package server

import "time"

// Sessions are forgotten in the order of their age, a few at a time: 131,072 of them are not walked through under the
// mutex at which every Describe waits. Whoever has no Play stands in a queue, once; whether it is over, or was used
// since, is seen when it comes to the front.

// An age is a session's place in the queue.
type age struct {
	id  uint32
	due uint32 // the second in which it is looked at
}

const maxForgotten = 4096 // sessions in one turn: under a millisecond

// age puts an idle session in the queue, if it is not there. For whoever holds the mutex.
func (r *registry) age(id uint32, s *session) {
	if s.ends != playing && !s.aging {
		s.aging = true
		r.ages = append(r.ages, age{id, s.ends})
	}
}

// forgetSessions drops sessions that are over.
func (r *registry) forgetSessions(now instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetSome(now, maxForgotten)
}

// forgetSome looks at no more than most of those that are due. For whoever holds the mutex.
func (r *registry) forgetSome(now instant, most int) {
	second := uint32(time.Duration(now) / time.Second)
	for ; most > 0 && len(r.ages) > 0 && r.ages[0].due <= second; most-- {
		id, s := r.oldest()
		if s.over(now) {
			delete(r.sessions, id)
			continue
		}
		r.age(id, &s)
		r.sessions[id] = s
	}
}

// makeRoom drops the oldest idle session. Where all play there is none: connections bound those. For whoever holds the
// mutex.
func (r *registry) makeRoom() {
	for len(r.sessions) >= maxSessions && len(r.ages) > 0 {
		id, s := r.oldest()
		if s.ends == playing {
			r.sessions[id] = s
			continue
		}
		delete(r.sessions, id)
	}
}

// oldest takes the session at the front out of the queue.
func (r *registry) oldest() (id uint32, s session) {
	id = r.ages[0].id
	r.ages = r.ages[1:]
	s = r.sessions[id]
	s.aging = false
	return id, s
}
