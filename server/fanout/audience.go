package fanout

import (
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// An audience is the viewers that one hub has of one stream.
type audience struct {
	hub     *Hub
	stream  *stream.Stream
	at      *stream.Element // where in-step viewers stand: the end of the last round; nil without viewers
	viewers []*Viewer
	listens int    // calls of listen without one of unlisten: for its viewers, and for others
	retired bool   // goes with the last of those
	bytes   uint64 // taken by sockets since they were last added to the stream's counter
	beat    beat
	slow    slowness // as the stream knows of them

	// Where the node knows its line.
	flow    uint64    // bytes that each viewer in step was sent since they were counted last
	rate    int64     // a mean of it, bytes a second
	patient []*Viewer // wait for the next key frame
}

// news says whether the chain has grown beyond where its viewers stand.
func (a *audience) news() bool { return a.at != nil && a.at.Next() != nil }

// account adds what sockets took to the stream's counter.
func (a *audience) account() {
	a.stream.Stats().BytesOut.Add(a.bytes)
	a.bytes = 0
}

// audienceOf gives the hub's audience of a stream, which may be empty.
func (h *Hub) audienceOf(st *stream.Stream) *audience {
	a := h.of[st]
	if a == nil {
		a = &audience{hub: h, stream: st}
		h.of[st] = a
		h.audiences = append(h.audiences, a)
	}
	return a
}

// Listen has the hub rung when the stream comes up or its chain grows, until there are as many calls of Unlisten. While
// the stream has viewers here it is rung anyway.
func (h *Hub) Listen(st *stream.Stream) {
	a := h.audienceOf(st)
	if a.listens++; a.listens == 1 {
		st.CalledBy(h.id, h.reads.Load() != nil)
		st.Listen(h.id)
	}
}

// Unlisten ends one Listen.
func (h *Hub) Unlisten(st *stream.Stream) {
	a := h.audienceOf(st)
	if a.listens--; a.listens == 0 {
		st.Unlisten(h.id)
		if a.retired {
			h.forget()
		}
	}
}

// forget drops the audiences of streams that are no more once nothing is left of them. Not in the middle of a round.
func (h *Hub) forget() {
	h.audiences = slices.DeleteFunc(h.audiences, func(a *audience) bool {
		over := a.retired && a.listens == 0
		if over {
			a.tellCount(slowness{})
			delete(h.of, a.stream)
		}
		return over
	})
}

// Join makes v, which is new, a viewer of st from one of its join points on. It is sent what there is at once, behind
// head, the reply's, which must not change any more. The hub's owner may be told of it before Join returns.
func (h *Hub) Join(v *Viewer, st *stream.Stream, j *stream.Joins, head []byte, now clock.Instant) {
	a := h.audienceOf(st)
	v.audience, v.joined, v.progress = a, now, now
	v.slot = int32(len(a.viewers))
	waits := h.line != nil && h.line.Known()
	if h.line != nil {
		h.count(a, j.Gen)
		v.debt = joining
	}
	switch {
	case waits:
		v.beginBare(j)
	case h.line != nil && h.line.Swells():
		j, _ = j.Within(0)
		v.begin(j)
	default:
		v.begin(j)
	}
	v.lead.parts[0] = head
	a.viewers = append(a.viewers, v)
	h.Listen(st) // before it looks where the chain ends: nothing may come in between
	st.Stats().Viewers.Add(1)
	st.Stats().Joined.Add(1)
	st.Want()
	if a.at == nil {
		a.at = newest(v.at)
	}
	if waits {
		h.arrive(v, now)
	} else {
		h.Turn(v, now)
	}
}

// newest is where the chain ends that e is in.
func newest(e *stream.Element) *stream.Element {
	for n := e.Next(); n != nil; n = e.Next() {
		e = n
	}
	return e
}

// A Stay is what there is to say of a viewer.
type Stay struct {
	Stream  *stream.Stream
	Dialect string        // its name
	Reports bool          // as in Dialect
	Session uint32        // as in Viewer
	Length  time.Duration // since it joined
	Bytes   uint64        // that its socket took
	Skips   uint32        // how many times it was moved to a newer key frame
	Lag     time.Duration // by which it is behind the others
}

// StayOf is v's until now.
func (h *Hub) StayOf(v *Viewer, now clock.Instant) Stay {
	return Stay{Stream: v.audience.stream, Dialect: v.dialect.Name, Reports: v.dialect.Reports, Session: v.Session,
		Length: now.Since(v.joined), Bytes: v.bytes, Skips: v.skips, Lag: v.lag()}
}

// lag is by how much v is behind its audience.
func (v *Viewer) lag() time.Duration {
	a := v.audience
	if a.at == nil || !a.at.After(v.at) {
		return 0
	}
	return a.at.At().Since(v.at.Next().At()) // what it has had may be old because the source paused
}

// Part takes v out of its audience. It must not be called from inside Owner: a round may be going through the viewers.
func (h *Hub) Part(v *Viewer, why reason.Reason, now clock.Instant) Stay {
	a, had := v.audience, h.StayOf(v, now)
	h.stats.Length.Observe(had.Length.Seconds(), 1)
	last := a.viewers[len(a.viewers)-1]
	a.viewers[v.slot], last.slot = last, v.slot
	a.viewers[len(a.viewers)-1] = nil
	a.viewers = a.viewers[:len(a.viewers)-1]
	if len(a.viewers) == 0 {
		a.at, a.viewers = nil, nil
	}
	if h.line != nil {
		h.expect(-a.rate)
	}
	h.Unlisten(a.stream)
	v.dropLead()
	v.Leave()
	a.account() // first: when it is not counted as a viewer any more its bytes are
	a.stream.Stats().Viewers.Add(-1)
	a.stream.Stats().Left[why].Add(1)
	return had
}

// Retire dismisses all viewers of streams that are no more, pumps as well, and forgets the streams when they are gone.
// Nobody joins them from now on.
func (h *Hub) Retire(streams []*stream.Stream, why reason.Reason, now clock.Instant) {
	for _, st := range streams {
		a := h.of[st]
		if a == nil {
			continue
		}
		a.retired, a.patient = true, nil
		for _, v := range a.viewers {
			if v.verdict == reason.None && v.state != leaving {
				h.Dismiss(v, why, now)
			}
		}
	}
	h.forget()
}

// Dismiss ends the stream of a viewer that is Dismissable, or has asked for that, as the source would: after the frame
// it is in the middle of comes $E(0) and FIN.
func (h *Hub) Dismiss(v *Viewer, why reason.Reason, now clock.Instant) {
	v.verdict = why
	if v.dialect.MMSH() {
		v.sendLast(streamEnded)
	}
	if v.state == following || v.state == queued {
		h.Turn(v, now)
	}
}
