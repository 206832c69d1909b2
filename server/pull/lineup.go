package pull

import (
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A lineup says where and how a lane that stood by can go on for viewers who were fed by another one.
type lineup struct {
	from   int        // in its kept packets
	tie    stream.Tie // what it is then to the source before
	behind bool       // it has the chain's packets, and the last one is yet to come
	ready  bool       // waiting would not make it better
}

// lineUp finds the best way on, in this order:
//
//   - exact: the lane has the chain's last packet, or its newest is in the chain and the last one is yet to come.
//     Its packets are the same ones, as those of two pumps with one encoder.
//   - other packets on the same clock: the first key frame later than the chain's last packet.
//   - another clock, or another header: the first key frame that came later than the feeding lane's last packet.
//
// Only for the claim's holder.
func (p *puller) lineUp(l *lane) lineup {
	silent := p.active.lastPacket()
	if !p.source.GoesOn() {
		_, ok := l.firstJoin(-1)
		return lineup{ready: ok}
	}
	if !p.source.Follows(l.asf) {
		if !l.pastBurst() {
			return lineup{}
		}
		_, ok := l.firstJoin(silent)
		return lineup{from: l.since(silent), ready: ok}
	}
	if u, ok := p.exact(l); ok {
		return u
	}
	switch {
	case p.source.Generation() == l.near:
		for i, k := range l.kept {
			if k.join && p.later(k) {
				return lineup{from: i, tie: stream.TieSame, ready: true}
			}
		}
		return lineup{tie: stream.TieSame}
	case l.pastBurst():
		_, ok := l.firstJoin(silent)
		return lineup{from: l.since(silent), tie: stream.TieOther, ready: ok}
	}
	return lineup{}
}

// exact is for lanes with the stream's own packets.
func (p *puller) exact(l *lane) (lineup, bool) {
	for i := len(l.kept) - 1; i >= 0; i-- {
		if k := l.kept[i]; p.source.EndsWith(k.send, k.b) {
			return lineup{from: i + 1, tie: stream.TieExact, ready: true}, true
		}
	}
	if n := len(l.kept); n > 0 && !p.later(l.kept[n-1]) && p.source.Holds(l.kept[n-1].b) {
		return lineup{from: n, tie: stream.TieSame, behind: true, ready: true}, true
	}
	return lineup{}, false
}

// later says that a packet of the stream's clock is later than the chain's last.
func (p *puller) later(k keptPacket) bool { return p.source.Ahead(k.send) > 0 }

// near gives the stream's generation, if the newest packet of a lane has about the send time that the stream is at.
func (p *puller) near(l *lane, now clock.Instant) *stream.Generation {
	if p.source == nil || len(l.kept) == 0 {
		return nil
	}
	return p.source.Near(l.asf, l.kept[len(l.kept)-1].send, now)
}

// fresh gives the moment at which a lane that stands by got the first packet that viewers have not had; false: it has
// none.
func (p *puller) fresh(l *lane) (at clock.Instant, ok bool) {
	i := len(l.kept)
	if l.near == nil || l.near != p.source.Generation() {
		i = l.since(p.active.lastPacket())
	} else {
		for i > 0 && p.later(l.kept[i-1]) {
			i--
		}
	}
	if i == len(l.kept) {
		return 0, false
	}
	return l.kept[i].at, true
}
