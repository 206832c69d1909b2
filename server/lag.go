package server

import "pumpd/server/reason"

// What is held of a chain is memory, and one element holds all that come after it. Who reads slowly holds some, as far
// as catchUp lets it; nobody may hold the chain for ever.

// hopeless is how many times further behind than catchUp allows a viewer is when it is moved to where it may not like
// to be.
const hopeless = 2

// maxLagBytes of the chain may be between a viewer and its audience, see limits.
const maxLagBytes = 64 << 20

// letGo moves a viewer that holds too much of the chain, and that catchUp did not move:
//
//	it is only to be sent its end        it needs nothing of the chain
//	it is behind a header                it crosses now, in the middle of what it was sent
//	all key frames but old ones are      it goes on at one of those; if even that is too much to hold, where its audience
//	ahead of the round                   stands
func (v *viewer) letGo(l *loop) {
	a := v.audience
	if v.verdict != reason.None {
		v.at = a.at
		return
	}
	missed, held := v.at.next.Load(), a.at.bytes-v.at.bytes
	if missed == nil || v.at.order >= a.at.order ||
		a.at.at.Since(missed.at) <= hopeless*(l.limits.maxLag+v.gen.reach.lag()) && held <= hopeless*l.limits.lagBytes {
		return
	}
	j := a.stream.joins.Load()
	if j == nil {
		return // the stream is over: nothing is added that v could hold
	}
	to := j.newest
	if to.order > a.at.order {
		to = j.start
	}
	switch near := to.order <= a.at.order; {
	case j.gen != v.gen && near: // so this is the generation that the audience is in
		v.crossTo(to, j.gen)
	case j.gen == v.gen && near && to.order > v.at.order:
		v.skip(to)
	case j.gen == v.gen && held > hopeless*l.limits.lagBytes:
		v.skip(a.at)
	default:
		return
	}
	v.skips++
	a.stream.stats.skips.Add(1)
}
