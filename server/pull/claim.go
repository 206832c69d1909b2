package pull

import (
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// begin makes a lane feed a stream that we do not have the claim of. A slate lets go only for a picture.
func (p *puller) begin(l *lane, now clock.Instant) {
	st := p.st
	if own := st.Writer(); own != nil && own.Kind() == stream.Slate && !l.pictured(now) {
		if l.Packets > 0 {
			p.lookAt(l.First.Add(stream.KeyPatience))
		}
		return
	}
	granted := make(chan struct{}, 1)
	s, done, err := st.Inherit(stream.Claim{Kind: stream.Pull, Who: l.origin.name}, func() { granted <- struct{}{} })
	switch {
	case err != nil:
		p.drop(l, err, now)
	case done:
		p.start(l, s)
	default:
		p.handover = &handover{lane: l, source: s, granted: granted}
	}
}

// pictured says that there is something to show, or that there has been nothing for too long to wait for it.
func (l *lane) pictured(now clock.Instant) bool {
	_, ok := l.firstJoin(-1)
	return ok || l.Packets > 0 && now.Since(l.First) >= stream.KeyPatience
}

// inherited is the moment at which the slate has let go.
func (p *puller) inherited() {
	r := p.handover
	p.handover = nil
	r.source.TookOver()
	p.start(r.lane, r.source)
}

// withdraw takes back that we want the claim.
func (p *puller) withdraw() {
	if p.handover != nil {
		p.handover.source.Yield()
		p.handover = nil
	}
}

// start makes a lane feed the stream by a claim that is new. Where nobody has written since this lane left off, because
// it was silent, nothing is missing in between; where somebody has, that was the slate, which has a clock of its own.
func (p *puller) start(l *lane, s *stream.Source) {
	t := stream.TieUnknown
	switch {
	case l.file, !s.Unmoved(p.leftOff):
		t = stream.TieOther
	case p.leftBy == l:
		t = stream.TieExact
	}
	p.active, p.source = l, s
	p.feed(lineup{tie: t})
}

// release lets the claim go, in one way or another.
func (p *puller) release(how func()) {
	p.leftOff, p.leftBy = p.source.Position(), p.active
	how()
	p.active, p.source = nil, nil
}

// feed sends the stream what the active lane has kept, from the place where it goes on.
func (p *puller) feed(u lineup) {
	l := p.active
	p.st.SetVia(l.via)
	kept := l.kept[u.from:]
	l.forget()
	if err := p.source.Header(l.header); err != nil {
		p.drop(l, err, p.st.Clock().Now())
		return
	}
	p.source.Follow(u.tie)
	for _, k := range kept {
		if err := p.source.Packet(k.b); err != nil {
			p.drop(l, err, p.st.Clock().Now())
			return
		}
	}
}
