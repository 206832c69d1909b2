package server

import "slices"

// What is held of a chain is memory, and one element holds all that come after it. Who reads slowly holds some, as far as
// catchUp lets it; nobody may hold the chain for ever.

// forgetPackets empties the scratch of rounds and turns. What was in it once, and was not written over by as many packets
// again, would hold the chain from there on: for days, after one long turn.
func (l *loop) forgetPackets() {
	clear(l.segment.packets[:cap(l.segment.packets)])
	clear(l.packets[:cap(l.packets)])
	clear(l.iov[:cap(l.iov)])
}

// hopeless is how many times further behind than catchUp allows a viewer is when it is moved to where players may not
// like to be.
const hopeless = 2

// letGo moves a viewer that holds too much of the chain, and that catchUp did not move:
//
//	it is only to be sent its end           it needs nothing of the chain
//	no key frame is where its audience is   it goes on without one, where the audience stands
//	it is behind a header                   it crosses now, in the middle of what it was sent
func (v *viewer) letGo(l *loop) {
	a := v.audience
	if v.verdict != noReason {
		v.at = a.at
		return
	}
	missed := v.at.next.Load()
	if missed == nil || v.at.order >= a.at.order ||
		a.at.at.since(missed.at) <= hopeless*l.limits.maxLag && a.at.bytes-v.at.bytes <= hopeless*maxLagBytes {
		return
	}
	switch j := a.stream.joins.Load(); {
	case j == nil: // the stream is over: nothing is added that v could hold
		return
	case j.gen == v.gen:
		v.skip(a.at)
	case j.newest.order <= a.at.order:
		v.crossTo(j.newest, j.gen)
	case j.start.order <= a.at.order: // so this is the generation that the audience is in
		v.crossTo(j.start, j.gen)
	default:
		return
	}
	v.skips++
	a.stream.stats.skips.Add(1)
}

// lastly adds to what v is sent before anything else of the chain: behind what it is owed already.
func (v *viewer) lastly(b []byte) {
	switch {
	case v.lead[1] == nil:
		v.lead[1] = b
	case v.lead[0] == nil:
		v.lead[0], v.lead[1] = v.lead[1], b
	default:
		v.lead[1] = slices.Concat(v.lead[1], b)
	}
}
