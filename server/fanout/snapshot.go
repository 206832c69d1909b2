package fanout

import (
	"bytes"
	"fmt"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A ViewerSnapshot is a viewer that goes over to another process, with its socket. It is for encoding/gob.
type ViewerSnapshot struct {
	Dialect    string // its name
	At         uint64 // order of the element that it stands at
	Generation int    // its place in the stream's snapshot
	Base       uint32
	Seq        uint8
	Bytes      uint64 // that its socket took
	Skips      uint32
	Joined     clock.Instant
	Progress   clock.Instant // when its socket last took something
	Session    uint32        // as in Viewer
	Verdict    string        // a reason.Reason: why it is to leave when Owed is sent
	Owed       []byte        // goes out before anything after At
	Joins      bool          // its burst is not over
	Starts     bool          // it has been sent the header, and waits for its start to be chosen
}

// Export describes v, which has no TLS and is not leaving, to the process that takes it up: for x, which has its
// stream. Nothing is sent to v meanwhile. If all goes well v is to Part without a word.
func (h *Hub) Export(v *Viewer, x *stream.Exporter) ViewerSnapshot {
	v.audience.account()
	x.Hold(v.at)
	s := ViewerSnapshot{
		Dialect: v.dialect.Name, At: v.at.Order(), Generation: x.Generation(v.gen), Base: v.base, Seq: v.seq,
		Bytes: v.bytes, Skips: v.skips, Joined: v.joined, Progress: v.progress, Session: v.Session,
		Verdict: v.verdict.String(), Joins: v.debt == joining,
	}
	if v.lead != nil {
		s.Owed = bytes.Join(v.lead.parts[:], nil)
	}
	s.Starts = v.packetless() && (v.debt == joining || v.state == queued)
	return s
}

// mostOwed is far above what a viewer can be owed, bytes: some headers, and a packet.
const mostOwed = 4 << 20

// Restore makes the viewer anew whose socket is fd, of the stream that m makes. Nothing that s says is believed. The
// viewer is yet to be Adopted.
func Restore(s *ViewerSnapshot, fd int32, m *stream.Importer) (*Viewer, error) {
	why, ok := reason.Of(s.Verdict)
	d := dialectNamed(s.Dialect)
	switch {
	case d == nil:
		return nil, fmt.Errorf("viewer: dialect: %.40q is none", s.Dialect)
	case !ok:
		return nil, fmt.Errorf("viewer: verdict: %.40q is no reason", s.Verdict)
	case len(s.Owed) > mostOwed:
		return nil, fmt.Errorf("viewer: owed %d bytes, limit %d", len(s.Owed), mostOwed)
	}
	v := NewViewer(fd, d, nil)
	v.base, v.seq, v.bytes, v.skips, v.Session = s.Base, s.Seq, s.Bytes, s.Skips, s.Session
	v.joined, v.progress, v.verdict = s.Joined, s.Progress, why
	if v.at = m.Element(s.At); v.at == nil {
		return nil, fmt.Errorf("viewer: at element %d, which is none of the chain", s.At)
	}
	if v.gen = m.Generation(s.Generation); v.gen == nil {
		return nil, fmt.Errorf("viewer: generation %d, which is none of the stream", s.Generation)
	}
	switch {
	case s.Starts:
		v.debt = restored
	case s.Joins:
		v.debt = joining
	}
	if len(s.Owed) > 0 {
		v.lead = &lead{parts: [2][]byte{s.Owed}}
	}
	return v, nil
}

// Adopt makes v, which Restore has made, a viewer of st. It goes on where it was at the next Work, and nobody counts it
// as one that joins.
func (h *Hub) Adopt(v *Viewer, st *stream.Stream, now clock.Instant) {
	a := h.audienceOf(st)
	v.audience, v.joined, v.progress = a, min(v.joined, now), min(v.progress, now)
	v.slot = int32(len(a.viewers))
	if h.line != nil {
		h.count(a, v.gen)
	}
	if v.debt == restored {
		h.startAnew(v)
	}
	a.viewers = append(a.viewers, v)
	h.Listen(st)
	st.Stats().Viewers.Add(1)
	st.Want()
	if a.at == nil || v.at.After(a.at) { // the others are behind then
		a.at = v.at
	}
	h.adopted = true
}

// startAnew chooses where v starts that has had the header and no packet: its place in a queue for that did not come
// along.
func (h *Hub) startAnew(v *Viewer) {
	v.debt = joining
	j := v.Stream().Joins()
	if j == nil || j.Gen != v.gen {
		return
	}
	if h.line != nil && h.line.Known() {
		j, _ = j.Within(0)
	}
	v.restart(j)
}

// takeUp gives turns to those who were adopted: there may be no news that would.
func (h *Hub) takeUp(now clock.Instant) {
	h.adopted = false
	for _, a := range h.audiences {
		if h.line != nil {
			h.oweAll(a)
		}
		h.turns(a, now)
		a.account()
	}
}

// oweAll counts what those were promised in another process whose bursts are not over.
func (h *Hub) oweAll(a *audience) {
	for _, v := range a.viewers {
		if v.debt == joining && v.state == following && a.at.After(v.at) {
			h.owe(int64(a.at.BytesSince(v.at)))
		}
	}
}

func dialectNamed(name string) *Dialect {
	for _, d := range dialects {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Follower describes a viewer that has had all of a stream, as a pump, and gets what follows; false: there is nothing
// to watch.
func Follower(x *stream.Exporter, now clock.Instant) (s ViewerSnapshot, ok bool) {
	e, g, ok := x.End()
	if !ok {
		return s, false
	}
	x.Hold(e)
	return ViewerSnapshot{Dialect: otherPump.Name, At: e.Order(), Generation: x.Generation(g), Base: e.Following(),
		Joined: now, Progress: now, Verdict: reason.None.String()}, true
}
