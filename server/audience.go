package server

import (
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// An audience is the viewers that one hub has of one stream.
type audience struct {
	hub     *hub
	stream  *stream.Stream
	at      *stream.Element // where in-step viewers stand: the end of the last round; nil without viewers
	viewers []*viewer
	listens int    // calls of listen without one of unlisten: for its viewers, and for others
	bytes   uint64 // taken by sockets since they were last added to the stream's counter
	beat    beat
}

// news says whether the chain has grown beyond where its viewers stand; a hub has nil for a stream that it never
// served.
func (a *audience) news() bool { return a != nil && a.at != nil && a.at.Next() != nil }

// account adds what sockets took to the stream's counter.
func (a *audience) account() {
	a.stream.Stats().BytesOut.Add(a.bytes)
	a.bytes = 0
}

// audienceOf gives the hub's audience of a stream, which may be empty.
func (h *hub) audienceOf(st *stream.Stream) *audience {
	a := h.audiences[st.ID()]
	if a == nil {
		a = &audience{hub: h, stream: st}
		h.audiences[st.ID()] = a
	}
	return a
}

// listen has the hub rung when the stream comes up or its chain grows, until there are as many calls of unlisten.
func (h *hub) listen(st *stream.Stream) {
	a := h.audienceOf(st)
	if a.listens++; a.listens == 1 {
		st.Listen(h.id)
	}
}

func (h *hub) unlisten(st *stream.Stream) {
	a := h.audienceOf(st)
	if a.listens--; a.listens == 0 {
		st.Unlisten(h.id)
	}
}

// join makes v a viewer of st, from the join point j on; head is the reply's head. It is sent what there is at once.
func (h *hub) join(v *viewer, st *stream.Stream, j *stream.Joins, head []byte, now clock.Instant) {
	a := h.audienceOf(st)
	v.audience, v.joined, v.progress = a, now, now
	v.slot = int32(len(a.viewers))
	v.begin(j)
	v.lead.parts[0] = head
	a.viewers = append(a.viewers, v)
	h.listen(st) // before it looks where the chain ends: nothing may come in between
	st.Stats().Viewers.Add(1)
	st.Stats().Joined.Add(1)
	st.Want()
	if a.at == nil {
		a.at = newest(v.at)
	}
	h.turn(v, now)
}

// newest is where the chain ends that e is in.
func newest(e *stream.Element) *stream.Element {
	for n := e.Next(); n != nil; n = e.Next() {
		e = n
	}
	return e
}

// A stay is what there is to say of a viewer that is gone.
type stay struct {
	stream *stream.Stream
	length time.Duration
	bytes  uint64 // that its socket took
	skips  uint32 // how many times it was moved to a newer key frame
}

// part takes v out of its audience. Not to be called by the hub's owner from inside Blocked or End.
func (h *hub) part(v *viewer, why reason.Reason, now clock.Instant) stay {
	a := v.audience
	last := a.viewers[len(a.viewers)-1]
	a.viewers[v.slot], last.slot = last, v.slot
	a.viewers[len(a.viewers)-1] = nil
	a.viewers = a.viewers[:len(a.viewers)-1]
	if len(a.viewers) == 0 {
		a.at, a.viewers = nil, nil
	}
	h.unlisten(a.stream)
	v.dropLead()
	v.leave()
	a.stream.Stats().Viewers.Add(-1)
	a.stream.Stats().Left[why].Add(1)
	a.account()
	return stay{stream: a.stream, length: now.Since(v.joined), bytes: v.bytes, skips: v.skips}
}

// dismiss ends v's stream as the source would: after the frame it is in the middle of comes $E(0) and FIN.
func (h *hub) dismiss(v *viewer, why reason.Reason, now clock.Instant) {
	v.verdict = why
	if v.dialect.mmsh() {
		v.sendLast(streamEnded)
	}
	if v.state == following {
		h.turn(v, now)
	}
}
