package server

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/pulse"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A push is an encoder on a conn, from its first PushStart on. Its stream may come in several requests, each a
// PushStart with a body of frames (push.md §3): inside a body conn.phase is feeding, between two it is awaiting. A push
// belongs to the conn's loop.
type push struct {
	// Set at the first PushStart, never changed.
	stream *stream.Stream
	access *pushAccess
	from   netip.Addr

	// Of the last PushStart.
	id    string // push-id, as the cookie says
	minor int    // HTTP/1.minor
	via   string // the pumps that the stream has come through
	pump  bool   // one of them pushes
	keep  bool   // the conn stays when the body is complete

	barred  bool // its push-id is of no use any more
	resumes bool // it was pushed before with its push-id, by a pump, and its first header is yet to come
	state   pushState
	source  *stream.Source // while inheriting and feeding
	body    pushBody
	last    *asf.Header     // its last header, as published; nil without one and after $E
	next    *asf.Header     // the header to give the stream with its next packet; nil: it has been given, or none has come
	leftOff stream.Position // the chain's end when it fell silent; 0: it has not
	heard   clock.Instant   // the last $H, $C, $D or $E; between two bodies, the end of the first, or a setup
	pulse.Pulse
}

// A pushState is what a push has of its stream.
type pushState uint8

const (
	pushWaiting    pushState = iota // for its header, or in place of the slate for a key frame; then inheriting or feeding
	pushInheriting                  // its input waits until the source before has let go; then feeding
	pushFeeding                     // it has the claim, also between two bodies; then silent or ended
	pushSilent                      // it was silent, the slate may play; then inheriting or feeding, or ended
	pushEnded                       // $E was the last frame that counts; then waiting
)

var (
	errInheriting = errors.New("waiting for the source before to let go")
	errTooMuch    = errors.New("too much input while the source before is being replaced")
)

const (
	endedTime    = 5 * time.Second // for the encoder's FIN or next request after its $E (push.md §5)
	maxInherited = 1 << 20         // bytes of input that may wait for the claim
)

// feed takes what has come of the body. It is false when it can do no more until something comes.
func (p *push) feed(c *conn, now clock.Instant) bool {
	if p.state == pushInheriting {
		if len(c.wire.peek()) > maxInherited {
			p.fail(c, 503, errTooMuch)
		}
		return false
	}
	whole, err := p.body.take(c.wire, func(f codec.Frame) error { return p.frame(c, f, now) })
	switch {
	case c.why != reason.None || errors.Is(err, errInheriting):
		return false
	case errors.Is(err, errNextRequest):
		p.pause(c, now)
		return true
	case errors.Is(err, stream.ErrBusy): // another newcomer is about to take over
		p.fail(c, 409, err)
		return false
	case err != nil:
		p.fail(c, 400, err)
		return false
	case whole:
		c.loop.pushAccepted(c, p.minor, p.id, p.keep)
		p.pause(c, now)
		return c.why == reason.None
	}
	return false
}

// pause waits for the encoder's next request. The stream header and the claim stay.
func (p *push) pause(c *conn, now clock.Instant) {
	p.heard = now
	c.phase, c.deadline = awaiting, 0
}

// frame acts on one frame of a body (push.md §4).
func (p *push) frame(c *conn, f codec.Frame, now clock.Instant) error {
	switch f.Type {
	case 'H':
		p.hear(now)
		return p.header(c, p.body.header(f.Body))
	case 'C':
		p.hear(now)
		if len(f.Body) <= 4 {
			return nil // MMSH framing: the header follows as $H
		}
		return p.header(c, f.Body[4:])
	case 'D':
		p.hear(now)
		p.Came(now)
		return p.packet(c, f.Body)
	case 'E':
		return p.end(f, now)
	}
	return nil // $F is filler; what we do not know is skipped by its length
}

// hear notes that the encoder sends; after $E that is a new stream.
func (p *push) hear(now clock.Instant) {
	p.heard = now
	if p.state == pushEnded {
		p.state = pushWaiting
	}
}

// header acts on an ASF header. That is when a newcomer takes the stream over, and not at its setup: a setup that never
// starts must not end the running stream (push.md §7). While the slate plays, the header waits for a key frame.
func (p *push) header(c *conn, b []byte) error {
	if p.source == nil {
		h, err := asf.ParseHeader(b)
		if err != nil {
			return err
		}
		if s := p.stream.Writer(); s != nil && s.Kind() == stream.Slate {
			p.next, p.resumes = h, false
			p.remember(h.Published())
			return nil
		}
		if err := p.claim(c); err != nil {
			return err
		}
	}
	p.next, p.leftOff = nil, 0
	if err := p.source.Header(b); err != nil {
		return err
	}
	if p.resumes {
		p.source.Follow(stream.TieSame)
	}
	p.resumes = false
	p.remember(p.source.Published())
	return nil
}

// remember keeps a header for the case that the encoder loses its link and comes back without one.
func (p *push) remember(h *asf.Header) {
	p.last = h
	p.session(pushLife)
}

// packet acts on the packet in a $D.
func (p *push) packet(c *conn, b []byte) error {
	b, err := p.body.packet(b)
	if err != nil {
		return err
	}
	if p.next == nil && (p.source == nil || p.source.Published() == nil) {
		if err := p.resume(c); err != nil {
			return err
		}
	}
	if p.next != nil {
		return p.beginWith(c, b)
	}
	return p.source.Packet(b)
}

// resume is for an encoder that comes back without $H, in the middle of its stream: the header that it gave before
// still holds (push.md §5). It is stream.ErrNoHeader for one that gave none, and where another encoder's stream has
// another header by now.
func (p *push) resume(c *conn) error {
	if p.last == nil {
		return stream.ErrNoHeader
	}
	j, s := p.stream.Joins(), p.stream.Writer()
	if s != nil && s.Kind() == stream.Push && s != p.source && j != nil && !j.Gen.Header().Same(p.last) {
		return stream.ErrNoHeader
	}
	return p.header(c, p.last.Raw)
}

// beginWith gives the stream the header that is next, and packet b. A slate that plays is replaced at a key frame only;
// other packets are dropped until then. After a silence in which no slate came, the stream goes on where it was.
func (p *push) beginWith(c *conn, b []byte) error {
	if p.source == nil {
		if own := p.stream.Writer(); own != nil && own.Kind() == stream.Slate {
			if at, err := p.next.ParsePacket(b); err != nil || !at.Join {
				return nil
			}
		}
		if err := p.claim(c); err != nil {
			return err
		}
	}
	t := stream.TieOther
	if p.source.Unmoved(p.leftOff) {
		t = stream.TieExact
	}
	h := p.next
	p.next, p.leftOff = nil, 0
	if err := p.source.Header(h.Raw); err != nil {
		return err
	}
	p.source.Follow(t)
	return p.source.Packet(b)
}

// yieldToSlate gives the claim up, so that the slate may play, when the encoder is silent though connected.
func (p *push) yieldToSlate(c *conn, now clock.Instant) {
	c.loop.log.Warn("encoder is silent, making way for the slate", "stream", p.stream.Config().Path, "from", c.remote,
		"for", now.Since(p.heard))
	p.next, p.leftOff = p.source.Published(), p.source.Position()
	p.source.Pause(p.heard)
	p.source, p.state = nil, pushSilent
}

// claim gets the claim to the stream, at once or, with errInheriting, when the source before has let go; the frame is
// then read again. An encoder that was silent does not get it back from another one, and of two that were both admitted
// before either had the stream, one may have to go after all.
func (p *push) claim(c *conn) error {
	l := c.loop
	if s := p.stream.Writer(); s != nil && s.Kind() == stream.Push && p.state == pushSilent {
		p.evicted(c)
		return stream.ErrBusy
	}
	if code, why := l.objection(c, p.stream, p.id, l.now); code != 0 { // it started before the other one
		err := errors.New(why)
		p.fail(c, code, err)
		return err
	}
	claim := stream.Claim{
		Kind:   stream.Push,
		Who:    c.name(),
		From:   p.from,
		PushID: p.id,
		Pump:   p.pump,
		Evict:  func() { l.tell(func(clock.Instant) { p.evicted(c) }) },
	}
	s, at, err := p.stream.Inherit(claim, func() { l.tell(func(now clock.Instant) { p.granted(c, now) }) })
	if err != nil {
		return err
	}
	p.source, p.state = s, pushFeeding
	if !at {
		p.state = pushInheriting
		return errInheriting
	}
	p.stream.SetVia(p.via)
	return nil
}

// granted goes on with the input that has waited for the claim.
func (p *push) granted(c *conn, now clock.Instant) {
	if c.push != p || p.state != pushInheriting {
		return // it has gone in the meantime, and its claim with it
	}
	p.state = pushFeeding
	p.stream.SetVia(p.via)
	p.source.TookOver()
	c.loop.process(c, now)
}

// evicted tells the encoder that another has taken its stream over.
func (p *push) evicted(c *conn) {
	if c.push == p && c.why == reason.None {
		c.loop.dropEncoder(c, 409, "another encoder has taken the stream over", reason.Replaced)
	}
}

// end is $E: reason 1 says that $C will follow, anything else that the source is over.
func (p *push) end(f codec.Frame, now clock.Instant) error {
	why, err := f.Reason()
	if err != nil || why == 1 {
		return err
	}
	p.heard, p.state, p.last, p.next, p.leftOff = now, pushEnded, nil, nil, 0
	p.access.drop(p.stream, p.id)
	if p.source != nil {
		p.source.End()
		p.source = nil
	}
	return nil
}

// gone is called when the conn leaves with the push on it.
func (p *push) gone(c *conn, why reason.Reason) {
	s := p.source
	p.source = nil
	switch {
	case why == reason.SourceSilent, p.barred:
		p.access.drop(p.stream, p.id)
	case why != reason.Replaced && p.state != pushEnded:
		p.session(max(c.loop.limits.sourceIdle, p.stream.Grace()))
	}
	switch {
	case s == nil:
	case why == reason.Replaced, why == reason.ShuttingDown:
		s.Yield()
	case why == reason.StreamRemoved:
		s.End()
	default:
		s.Lost(errors.New(why.String()))
	}
}

// fail answers at once, which an encoder takes for the end (push.md §8), and closes.
func (p *push) fail(c *conn, code int, err error) {
	c.loop.log.Info("push failed", "stream", p.stream.Config().Path, "from", c.remote, "status", code, "err", err)
	c.loop.dropEncoder(c, code, err.Error(), refusal(code))
}

// chore ends a push whose encoder has gone silent: inside a body with 408 (push.md §5), between bodies and after $E
// without an answer. One that has been silent for less may have to yield to the slate.
func (p *push) chore(c *conn, now clock.Instant) {
	l := c.loop
	if p.state == pushFeeding {
		p.source.Outwait(now)
	}
	inBody, silent := c.phase == feeding, now.Since(p.heard)
	switch {
	case !inBody && silent > l.limits.pushSetup, inBody && p.state == pushEnded && silent > endedTime:
		l.mark(c, reason.SourceSilent)
	case inBody && p.state != pushEnded && p.state != pushInheriting && silent > l.limits.sourceIdle:
		l.log.Warn("encoder is silent", "stream", p.stream.Config().Path, "from", c.remote, "limit", l.limits.sourceIdle)
		l.dropEncoder(c, 408, fmt.Sprintf("no data for %v", l.limits.sourceIdle), reason.SourceSilent)
	case p.state == pushFeeding && p.stream.Config().Slate != "" &&
		silent >= max(p.Patience(), time.Duration(p.stream.Config().SlateAfter)):
		p.yieldToSlate(c, now)
	}
}
