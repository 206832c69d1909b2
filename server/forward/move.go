package forward

import (
	"fmt"
	"strings"

	"pumpd/server/stream"
)

// A Snapshot is what another process needs to go on with the forwards of a stream: to the other server it is the same
// encoder, whose connection broke. It is for encoding/gob. The push-ids in it are secrets.
type Snapshot struct{ Forwards []ForwardSnapshot }

// A ForwardSnapshot is one of them.
type ForwardSnapshot struct {
	Name     string            // as in view.Forward
	ID       string            // push-id
	Met      bool              // the server has accepted the stream before
	Position *PositionSnapshot // nil: nowhere

	// As in view.Forward.
	Packets, Bytes, Resent, Skips, Reconnects uint64
}

// A PositionSnapshot is a position. Each of its points is told by the order of the element and the place of the
// generation in the stream's snapshot.
type PositionSnapshot struct{ Kept, Acknowledged, Sent PointSnapshot }

// A PointSnapshot is a point.
type PointSnapshot struct {
	Order      uint64
	Generation int
}

// Limits on what is taken over, and moved.
const (
	mostForwards = 256 // of a stream
	mostName     = 64 << 10
	mostID       = 255 // bytes, of a push-id ([MS-WMHTTP] 3.2.3)
)

// A Standing is the forwards of a stream that stand still.
type Standing struct{ all []*forward }

// Describe is what another process needs: x has the stream there, with all that the other servers may not have.
func (s *Standing) Describe(x *stream.Exporter) *Snapshot {
	all := &Snapshot{}
	for _, f := range s.all[:min(len(s.all), mostForwards)] {
		if isID(f.id) {
			all.Forwards = append(all.Forwards, f.snapshot(x))
		}
	}
	return all
}

func (f *forward) snapshot(x *stream.Exporter) ForwardSnapshot {
	s := ForwardSnapshot{Name: f.v.Name, ID: f.id, Met: f.met, Packets: f.v.Packets, Bytes: f.v.Bytes,
		Resent: f.v.Resent, Skips: f.v.Skips, Reconnects: f.v.Reconnects}
	if p := &f.position; p.set() {
		x.Hold(p.kept.at)
		at := func(p point) PointSnapshot { return PointSnapshot{p.at.Order(), x.Generation(p.gen)} }
		s.Position = &PositionSnapshot{at(p.kept), at(p.acknowledged()), at(p.sent)}
	}
	return s
}

// isID says whether something can be a push-id: it goes into a field of our requests.
func isID(id string) bool {
	bad := func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }
	return id != "" && len(id) <= mostID && !strings.ContainsFunc(id, bad)
}

// Check says what in a snapshot cannot be. Whether its points are any shows when the stream is there, by Inherit.
func (s *Snapshot) Check() error {
	if n := len(s.Forwards); n > mostForwards {
		return fmt.Errorf("forwards: %d, limit %d", n, mostForwards)
	}
	for i := range s.Forwards {
		switch f := &s.Forwards[i]; {
		case len(f.Name) > mostName:
			return fmt.Errorf("forward: name of %d bytes, limit %d", len(f.Name), mostName)
		case !isID(f.ID):
			return fmt.Errorf("forward: push-id %.300q", f.ID)
		}
	}
	return nil
}

// An Inheritance is what the process before has left of the forwards of a stream.
type Inheritance struct{ left []inherited }

type inherited struct {
	ForwardSnapshot
	position position
}

// Inherit finds the places of forwards in the stream that m has made. A forward whose place is none of it joins anew.
func Inherit(s *Snapshot, m *stream.Importer) *Inheritance {
	all := &Inheritance{}
	for _, f := range s.Forwards {
		all.left = append(all.left, inherited{f, f.Position.find(m)})
	}
	return all
}

func (s *PositionSnapshot) find(m *stream.Importer) position {
	if s == nil {
		return position{}
	}
	at := func(p PointSnapshot) point { return point{m.Element(p.Order), m.Generation(p.Generation)} }
	kept, acknowledged, sent := at(s.Kept), at(s.Acknowledged), at(s.Sent)
	for _, p := range []point{kept, acknowledged, sent} {
		if p.at == nil || p.gen == nil {
			return position{}
		}
	}
	if kept.at.After(acknowledged.at) || acknowledged.at.After(sent.at) {
		return position{}
	}
	p := position{kept: kept, sent: sent}
	if acknowledged != sent {
		p.open = []span{{from: acknowledged, to: sent}} // of a connection that is no more
	}
	return p
}

// restore has forwards go on from what there is of the process before. A nil i is nothing.
func (i *Inheritance) restore(all []*forward) {
	if i == nil {
		return
	}
	for _, f := range all {
		f.restore(i.take(f.v.Name))
	}
}

// take gives what is left of a forward away, nil if there is none.
func (i *Inheritance) take(name string) *inherited {
	for n := range i.left {
		if of := &i.left[n]; of.Name == name {
			of.Name = "" // no forward's
			return of
		}
	}
	return nil
}

func (f *forward) restore(from *inherited) {
	if from == nil {
		return
	}
	f.id, f.met, f.position = from.ID, from.Met, from.position
	f.v.Packets, f.v.Bytes, f.v.Resent = from.Packets, from.Bytes, from.Resent
	f.v.Skips, f.v.Reconnects = from.Skips, from.Reconnects
	f.show(f.v.State)
}
