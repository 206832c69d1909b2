package server

import "pumpd/server/clock"

// begin makes a lane feed a stream that we do not have the claim of. A slate lets go only for a picture.
func (p *puller) begin(l *lane, now clock.Instant) {
	st := p.st
	if own := st.Owner(); own != nil && own.Kind() == sourceSlate && !l.pictured(now) {
		if l.packets > 0 {
			p.lookAt(l.first.Add(keyPatience))
		}
		return
	}
	granted := make(chan struct{}, 1)
	s, done, err := st.Inherit(Claim{Kind: sourcePull, Who: l.origin.name}, func() { granted <- struct{}{} })
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
	return ok || l.packets > 0 && now.Since(l.first) >= keyPatience
}

// inherited is the moment at which the slate has let go.
func (p *puller) inherited() {
	r := p.handover
	p.handover = nil
	r.source.tookOver()
	p.start(r.lane, r.source)
}

// withdraw takes back that we want the claim.
func (p *puller) withdraw() {
	if p.handover != nil {
		p.handover.source.yield()
		p.handover = nil
	}
}

// start makes a lane feed the stream by a claim that is new. Where nobody has written since this lane left off, because
// it was silent, nothing is missing in between; where somebody has, that was the slate, which has a clock of its own.
func (p *puller) start(l *lane, s *source) {
	t := tieUnknown
	switch {
	case l.file, !s.Unmoved(p.left):
		t = tieOther
	case p.leftBy == l:
		t = tieExact
	}
	p.active, p.source = l, s
	p.feed(lineup{tie: t})
}

// release lets the claim go, in one way or another.
func (p *puller) release(how func()) {
	p.left, p.leftBy = p.source.Mark(), p.active
	how()
	p.active, p.source = nil, nil
}

// feed sends the stream what the active lane has kept, from the place where it goes on.
func (p *puller) feed(u lineup) {
	l := p.active
	p.st.SetPath(l.via)
	kept := l.kept[u.from:]
	l.forget()
	if err := p.source.header(l.header); err != nil {
		p.drop(l, err, p.st.clock.Now())
		return
	}
	p.source.follow(u.tie)
	for _, k := range kept {
		if err := p.source.packet(k.b); err != nil {
			p.drop(l, err, p.st.clock.Now())
			return
		}
	}
}
