package server

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// A push is an encoder on a conn, from its first PushStart on; it outlives the requests of which its stream is made
// (push.md §3). It belongs to the conn's loop.
type push struct {
	// Set at the first PushStart, never changed.
	stream *stream
	access *pushAccess
	from   netip.Addr

	// Of the last PushStart.
	id    string // push-id, as the cookie says
	minor int    // HTTP/1.minor
	keep  bool   // the conn stays when the body is complete

	source *source // nil until its first header and after its end
	state  pushState
	body   pushBody
	over   bool        // $E was the last frame that counts
	last   *asf.Header // its last header, as published; nil without one and after $E
	early  *asf.Header // its header while the slate plays or may begin to
	left   mark        // the chain's end when it was silent and let go; 0: it was not
	heard  instant     // the last $H, $C or $D, or $E if over; while between, the end of the body or a setup
	pulse
}

type pushState uint8

const (
	pushing    pushState = iota // frames come; then inheriting or between
	inheriting                  // its first $H waits until the source before has let go; then pushing
	between                     // a body is complete, the next PushStart will come; then pushing
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
func (p *push) feed(c *conn, now instant) bool {
	if p.state == inheriting {
		if len(c.wire.peek()) > maxInherited {
			p.fail(c, 503, errTooMuch)
		}
		return false
	}
	whole, err := p.body.take(c.wire, func(f codec.Frame) error { return p.frame(c, f, now) })
	switch {
	case c.why != noReason || errors.Is(err, errInheriting):
		return false
	case errors.Is(err, errNextRequest):
		p.pause(c, now)
		return true
	case errors.Is(err, errBusy): // another newcomer is about to take over
		p.fail(c, 409, err)
		return false
	case err != nil:
		p.fail(c, 400, err)
		return false
	case whole:
		c.loop.pushAccepted(c, p.minor, p.id, p.keep)
		p.pause(c, now)
		return c.why == noReason
	}
	return false
}

// pause waits for the encoder's next request. The stream header and the claim stay.
func (p *push) pause(c *conn, now instant) {
	p.state, p.heard = between, now
	c.phase, c.scanned, c.deadline = awaiting, 0, 0
}

// frame acts on one frame (push.md §4).
func (p *push) frame(c *conn, f codec.Frame, now instant) error {
	switch f.Type {
	case 'H':
		p.heard, p.over = now, false
		return p.header(c, p.body.header(f.Body))
	case 'C':
		p.heard, p.over = now, false
		if len(f.Body) <= 4 {
			return nil // MMSH framing: the header follows as $H
		}
		return p.header(c, f.Body[4:])
	case 'D':
		p.heard, p.over = now, false
		p.beat(now)
		return p.packet(c, f.Body)
	case 'E':
		return p.end(f, now)
	}
	return nil // $F is filler; what we do not know is skipped by its length
}

// header is the moment at which a newcomer takes the stream over, not its setup: a setup that never starts must not
// kill the running stream (push.md §7).
func (p *push) header(c *conn, b []byte) error {
	if p.source == nil {
		h, err := asf.ParseHeader(b)
		if err != nil {
			return err
		}
		if s := p.stream.Owner(); s != nil && s.Kind() == sourceSlate && p.state == pushing {
			p.early = h // the slate plays on until there is a picture
			p.gave(h.Published())
			return nil
		}
		if err := p.claim(c); err != nil {
			return err
		}
	}
	p.early, p.left = nil, 0
	if err := p.source.header(b); err != nil {
		return err
	}
	p.gave(p.source.Published())
	return nil
}

// gave remembers a header for the case that the encoder loses its link and comes back without one.
func (p *push) gave(h *asf.Header) {
	p.last = h
	p.session(pushLife)
}

func (p *push) packet(c *conn, b []byte) error {
	b, err := p.body.packet(b)
	if err != nil {
		return err
	}
	if p.early == nil && (p.source == nil || p.source.Published() == nil) {
		if err := p.resume(c); err != nil {
			return err
		}
	}
	if p.early != nil {
		return p.relieveSlate(c, b)
	}
	return p.source.packet(b)
}

// resume is for an encoder that comes back without $H, in the middle of its stream: the header that it gave before
// still holds (push.md §5). Nobody else's packets are let in so, nor its own where another encoder sends something else
// by now.
func (p *push) resume(c *conn) error {
	if p.last == nil {
		return errNoHeader
	}
	j, s := p.stream.joins.Load(), p.stream.Owner()
	if s != nil && s.Kind() == sourcePush && s != p.source && j != nil && !j.gen.header.Same(p.last) {
		return errNoHeader
	}
	return p.header(c, p.last.Raw)
}

// relieveSlate takes the stream over from its slate at the first key frame. After a silence in which no slate came, it
// goes on with what it has.
func (p *push) relieveSlate(c *conn, b []byte) error {
	if p.source == nil {
		if own := p.stream.Owner(); own != nil && own.Kind() == sourceSlate {
			if at, err := p.early.ParsePacket(b); err != nil || !at.Join {
				return nil
			}
		}
		if err := p.claim(c); err != nil {
			return err
		}
	}
	t := tieOther
	if p.source.Unmoved(p.left) {
		t = tieExact
	}
	h := p.early
	p.early, p.left = nil, 0
	if err := p.source.header(h.Raw); err != nil {
		return err
	}
	p.source.follow(t)
	return p.source.packet(b)
}

// makeWay gives the stream to its slate when the encoder is silent, though connected.
func (p *push) makeWay(c *conn, now instant) {
	c.loop.log.Warn("encoder is silent, making way for the slate", "stream", p.stream.cfg.Path, "from", c.remote,
		"for", now.since(p.heard))
	p.early, p.left = p.source.Published(), p.source.Mark()
	p.source.pause(p.heard)
	p.source = nil
}

// claim gets the stream, at once or, with errInheriting, when the source before has let go; the frame is then read
// again. One that was silent does not get it back from another encoder, and of two that were both let in before either
// had the stream, one may have to go after all.
func (p *push) claim(c *conn) error {
	l := c.loop
	if s := p.stream.Owner(); s != nil && s.Kind() == sourcePush && p.left > 0 {
		p.evicted(c)
		return errBusy
	}
	if code, why := l.objection(c, p.stream, p.id, l.now); code != 0 { // it started before the other one
		err := errors.New(why)
		p.fail(c, code, err)
		return err
	}
	evict := func() { l.tell(func(instant) { p.evicted(c) }) }
	granted := func() { l.tell(func(now instant) { p.granted(c, now) }) }
	s, at, err := p.stream.Inherit(
		Claim{Kind: sourcePush, Who: c.remote.String(), Pusher: pusher{p.from, p.id}, Evict: evict}, granted)
	if err != nil {
		return err
	}
	p.source = s
	if !at {
		p.state = inheriting
		return errInheriting
	}
	return nil
}

func (p *push) granted(c *conn, now instant) {
	if c.push != p || p.state != inheriting {
		return // it has gone in the meantime, and its claim with it
	}
	p.state = pushing
	p.source.tookOver()
	c.loop.process(c, now)
}

// evicted tells the encoder that another has taken its stream over.
func (p *push) evicted(c *conn) {
	if c.push == p && c.why == noReason {
		c.loop.dropEncoder(c, 409, "another encoder has taken the stream over", replaced)
	}
}

// end is $E: reason 1 says that $C will follow, anything else that the source is over.
func (p *push) end(f codec.Frame, now instant) error {
	why, err := f.Reason()
	if err != nil || why == 1 {
		return err
	}
	p.heard, p.over, p.last, p.early, p.left = now, true, nil, nil, 0
	p.access.drop(p.stream, p.id)
	if p.source != nil {
		p.source.end()
		p.source = nil
	}
	return nil
}

// gone is called when the conn leaves with the push on it.
func (p *push) gone(c *conn, why reason) {
	s := p.source
	p.source = nil
	switch {
	case why == sourceSilent:
		p.access.drop(p.stream, p.id)
	case why != replaced && !p.over:
		p.session(max(c.loop.limits.sourceIdle, p.stream.Grace()))
	}
	switch {
	case s == nil:
	case why == replaced, why == shuttingDown:
		s.yield()
	default:
		s.lost(errors.New(why.String()))
	}
}

// fail answers at once, which an encoder takes for the end (push.md §8), and closes.
func (p *push) fail(c *conn, code int, err error) {
	c.loop.log.Info("push failed", "stream", p.stream.cfg.Path, "from", c.remote, "status", code, "err", err)
	c.loop.dropEncoder(c, code, err.Error(), refusal(code))
}

// chore ends a push whose encoder has gone silent: inside a body with 408 (push.md §5), between bodies without a word.
func (p *push) chore(c *conn, now instant) {
	l := c.loop
	if p.source != nil && p.state != inheriting {
		p.source.outwait(now)
	}
	switch silent := now.since(p.heard); {
	case p.state == between && silent > l.limits.pushSetup, p.state == pushing && p.over && silent > endedTime:
		l.mark(c, sourceSilent)
	case p.state == pushing && !p.over && silent > l.limits.sourceIdle:
		l.log.Warn("encoder is silent", "stream", p.stream.cfg.Path, "from", c.remote, "limit", l.limits.sourceIdle)
		l.dropEncoder(c, 408, fmt.Sprintf("no data for %v", l.limits.sourceIdle), sourceSilent)
	case p.source != nil && p.state != inheriting && p.stream.cfg.Slate != "" &&
		silent >= max(p.patience(), time.Duration(p.stream.cfg.SlateAfter)):
		p.makeWay(c, now)
	}
}
