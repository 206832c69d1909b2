package fanout

import (
	"pumpd/server/clock"
	"pumpd/server/reason"
)

// What is held of a chain is memory, and one element holds all that come after it. Who reads slowly holds some, as far
// as catchUp lets it; nobody may hold the chain for ever.

// hopeless is how many times further behind than catchUp allows a viewer is when it is moved to where it may not like
// to be.
const hopeless = 2

// maxLagBytes of the chain may be between a viewer and its audience, see Limits.
const maxLagBytes = 64 << 20

// catchUp moves a viewer that is too far behind to the newest key frame: LocationId jumps with it, AFFlags does not.
func (h *Hub) catchUp(v *Viewer, now clock.Instant) {
	a := v.audience
	if v.verdict != reason.None || !a.at.After(v.at) {
		return
	}
	behind, bytes := v.lag(), a.at.BytesSince(v.at)
	if behind <= h.limits.MaxLag+v.gen.Lag() && bytes <= h.limits.lagBytes && !h.tooDear(v, behind, bytes) {
		return
	}
	j := a.stream.Joins()
	if j == nil || !j.Newest.After(v.at) || j.Newest.After(a.at) || j.Gen != v.gen {
		return
	}
	v.skip(j.Newest)
	h.skipped(v)
}

// skipped counts that v was moved up.
func (h *Hub) skipped(v *Viewer) {
	v.skips++
	v.audience.stream.Stats().Skips.Add(1)
	h.owner.Skipped(v)
}

// letGo moves a viewer that holds too much of the chain, and that catchUp did not move:
//
//	it is only to be sent its end        it needs nothing of the chain
//	it is behind a header                it crosses now, in the middle of what it was sent
//	all key frames but old ones are      it goes on at one of those; if even that is too much to hold, where its audience
//	ahead of the round                   stands
func (h *Hub) letGo(v *Viewer) {
	a, l := v.audience, &h.limits
	if v.verdict != reason.None {
		v.at = a.at
		return
	}
	missed, held := v.at.Next(), a.at.BytesSince(v.at)
	if missed == nil || !a.at.After(v.at) ||
		a.at.At().Since(missed.At()) <= hopeless*(l.MaxLag+v.gen.Lag()) && held <= hopeless*l.lagBytes {
		return
	}
	j := a.stream.Joins()
	if j == nil {
		return // the stream is over: nothing is added that v could hold
	}
	to := j.Newest
	if to.After(a.at) {
		to = j.Start
	}
	switch reached := !to.After(a.at); {
	case j.Gen != v.gen && reached: // so this is the generation that the audience is in
		v.crossTo(to, j.Gen)
	case j.Gen == v.gen && reached && to.After(v.at):
		v.skip(to)
	case j.Gen == v.gen && held > hopeless*l.lagBytes:
		v.skip(a.at)
	default:
		return
	}
	h.skipped(v)
}
