package server

import (
	"errors"
	"fmt"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// A push is an encoder on a conn, from its first PushStart on; it outlives the requests of which its stream is made
// (push.md §3). It belongs to the conn's loop.
type push struct {
	stream *stream
	id     string  // push-id, as the cookie says
	source *source // nil until its first header and after its end
	state  pushState
	body   pushBody
	early  *asf.Header // its header while the slate still plays
	heard  instant     // the last $H, $C or $D; while between, the end of the body
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
	case c.why != noReason || err == errInheriting:
		return false
	case err == errNextRequest:
		p.pause(c, now)
		return true
	case err != nil:
		p.fail(c, 400, err)
		return false
	case whole:
		c.loop.pushAccepted(c, p.id, true)
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
		p.heard = now
		return p.header(c, p.body.header(f.Body))
	case 'C':
		p.heard = now
		if len(f.Body) <= 4 {
			return nil // MMSH framing: the header follows as $H
		}
		return p.header(c, f.Body[4:])
	case 'D':
		p.heard = now
		return p.packet(c, f.Body)
	case 'E':
		return p.end(f)
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
		if s := p.stream.reg.owned(p.stream); s != nil && s.kind == sourceSlate && p.state == pushing {
			p.early = h // the slate plays on until there is a picture
			return nil
		}
		if err := p.claim(c); err != nil {
			return err
		}
	}
	return p.source.header(b)
}

func (p *push) packet(c *conn, b []byte) error {
	b, err := p.body.packet(b)
	if err != nil {
		return err
	}
	if p.early != nil {
		return p.relieveSlate(c, b)
	}
	if p.source == nil { // it comes back without $H, in the middle of its stream (push.md §5)
		if p.stream.up() == nil {
			return errNoHeader
		}
		if err := p.claim(c); err != nil {
			return err
		}
		p.source.resume()
	}
	return p.source.packet(b)
}

// relieveSlate takes the stream over from its slate at the first key frame.
func (p *push) relieveSlate(c *conn, b []byte) error {
	if at, err := p.early.ParsePacket(b); p.source == nil && (err != nil || !at.Join) {
		return nil
	}
	if p.source == nil {
		if err := p.claim(c); err != nil {
			return err
		}
	}
	h := p.early
	p.early = nil
	if err := p.source.header(h.Raw); err != nil {
		return err
	}
	return p.source.packet(b)
}

// claim gets the stream, at once or, with errInheriting, when the source before has let go; the frame is then read again.
func (p *push) claim(c *conn) error {
	l := c.loop
	if code, why := p.stream.objection(c, l.now); code != 0 { // it started before the other one
		err := errors.New(why)
		p.fail(c, code, err)
		return err
	}
	evict := func() { l.tell(func(instant) { p.evicted(c) }) }
	granted := func() { l.tell(func(now instant) { p.granted(c, now) }) }
	s, at, err := p.stream.inherit(sourcePush, c.remote.String(), evict, granted)
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
	c.loop.process(c, now)
}

// evicted tells the encoder that another has taken its stream over.
func (p *push) evicted(c *conn) {
	if c.push == p && c.why == noReason {
		c.loop.dropEncoder(c, 409, "another encoder has taken the stream over", replaced)
	}
}

// end is $E: reason 1 says that $C will follow, anything else that the source is over.
func (p *push) end(f codec.Frame) error {
	why, err := f.Reason()
	if err != nil || why == 1 || p.source == nil {
		return err
	}
	p.source.end()
	p.source = nil
	return nil
}

// gone is called when the conn leaves with the push on it.
func (p *push) gone(why reason) {
	s := p.source
	p.source = nil
	switch {
	case s == nil:
	case why == replaced:
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
	switch silent := now.since(p.heard); {
	case p.state == between && silent > l.limits.pushSetup, p.state == pushing && p.body.ended && silent > endedTime:
		l.mark(c, sourceSilent)
	case p.state == pushing && !p.body.ended && silent > l.limits.sourceIdle:
		l.log.Warn("encoder is silent", "stream", p.stream.cfg.Path, "from", c.remote, "limit", l.limits.sourceIdle)
		l.dropEncoder(c, 408, fmt.Sprintf("no data for %v", l.limits.sourceIdle), sourceSilent)
	}
}
