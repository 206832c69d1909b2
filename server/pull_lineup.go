package server

import (
	"bytes"
	"time"
)

// A lineup says where and how a lane that stood by can go on for viewers who were fed by another one.
type lineup struct {
	from   int  // in its kept packets
	tie    tie  // what it is then to the source before
	behind bool // it has the chain's packets, and the last one is yet to come
	ready  bool // waiting would not make it better
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
	c, silent := &p.st.chain, p.on.heard()
	if !c.packets() {
		_, ok := l.firstJoin(-1)
		return lineup{ready: ok}
	}
	if !c.gen.header.Same(l.asf) {
		if !l.settled() {
			return lineup{}
		}
		_, ok := l.firstJoin(silent)
		return lineup{from: l.since(silent), ready: ok}
	}
	if u, ok := p.exact(l); ok {
		return u
	}
	switch {
	case l.near == c.gen:
		for i, k := range l.kept {
			if k.join && p.later(k) {
				return lineup{from: i, tie: tieSame, ready: true}
			}
		}
		return lineup{tie: tieSame}
	case l.settled():
		_, ok := l.firstJoin(silent)
		return lineup{from: l.since(silent), tie: tieOther, ready: ok}
	}
	return lineup{}
}

// exact is for lanes with the stream's own packets.
func (p *puller) exact(l *lane) (lineup, bool) {
	c := &p.st.chain
	for i := len(l.kept) - 1; i >= 0; i-- {
		if k := l.kept[i]; k.send+c.shift == c.sent && bytes.Equal(p.asElement(k), c.last.full) {
			return lineup{from: i + 1, tie: tieExact, ready: true}, true
		}
	}
	if n := len(l.kept); n > 0 && !p.later(l.kept[n-1]) {
		if nextSame(nil, p.st.joins.Load().start, p.asElement(l.kept[n-1])) != nil {
			return lineup{from: n, tie: tieSame, behind: true, ready: true}, true
		}
	}
	return lineup{}, false
}

// asElement is a packet of the stream's header as the chain would have it; nil if it cannot.
func (p *puller) asElement(k keptPacket) []byte {
	s := p.source
	b, err := s.shifted(k.b)
	if err != nil {
		return nil
	}
	at, err := s.published.ParsePacket(b)
	if err != nil {
		return nil
	}
	s.full = s.published.AppendFull(s.full[:0], b, at)
	return s.full
}

// later says that a packet of the stream's clock is later than the chain's last.
func (p *puller) later(k keptPacket) bool {
	c := &p.st.chain
	return int32(k.send+c.shift-c.sent) > 0
}

// near gives the stream's generation, if the newest packet of a lane has about the send time that the stream is at.
func (p *puller) near(l *lane, now instant) *generation {
	c := &p.st.chain
	if p.source == nil || len(l.kept) == 0 || !c.packets() || !c.gen.header.Same(l.asf) {
		return nil
	}
	k := l.kept[len(l.kept)-1]
	d := time.Duration(int32(k.send+c.shift-c.sent))*time.Millisecond - now.since(c.last.at)
	if d < -sameClock || d > sameClock {
		return nil
	}
	return c.gen
}

// fresh gives the moment at which a lane that stands by got the first packet that viewers have not had; false: it has
// none.
func (p *puller) fresh(l *lane) (at instant, ok bool) {
	i := len(l.kept)
	if l.near == nil || l.near != p.st.chain.gen {
		i = l.since(p.on.heard())
	}
	for l.near != nil && l.near == p.st.chain.gen && i > 0 && p.later(l.kept[i-1]) {
		i--
	}
	if i == len(l.kept) {
		return 0, false
	}
	return l.kept[i].at, true
}
