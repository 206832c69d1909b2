package forward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

const (
	frameHead = 4                  // bytes of a frame before its body
	maxFrame  = math.MaxUint16     // bytes of a frame's body
	endless   = 2147483647         // bytes of a body where no proxy reads it (push.md §3)
	proxyBody = 60 * time.Second   // of stream, in a body that one reads
	leastBody = 1 << 20            // bytes of it
	sendSize  = upstream.MaxRecord // bytes that are written at once
)

var errNoAnswer = errors.New("no answer")

var errLargeHeader = errors.New("header is too large to be changed to in the middle of a push")

// start begins the first body, with the header.
func (c *connection) start() error {
	h := c.f.position.sent.gen.Header()
	if len(h.Raw) > maxFrame {
		return fmt.Errorf("%w: %d bytes, limit %d", errLargeHeader, len(h.Raw), maxFrame)
	}
	if err := c.begin(); err != nil {
		return err
	}
	return c.put(codec.AppendFrame(nil, 'H', h.Raw))
}

// begin begins a body.
func (c *connection) begin() error {
	c.left = endless
	if c.push.ByProxy() {
		rate := int64(c.f.position.sent.gen.Header().Bitrate() / 8)
		c.left = min(max(rate*int64(proxyBody/time.Second), leastBody), endless)
	}
	return c.push.Start(c.f.id, c.left)
}

// send pushes all that there is. It ends with errOver behind the end of the stream.
func (c *connection) send(ctx context.Context) error {
	f := c.f
	for e := f.position.sent.at.Next(); e != nil; e = f.position.sent.at.Next() {
		if ctx.Err() != nil {
			return ctx.Err() // and that is no end of the stream
		}
		if skipped, err := c.skip(f.now()); err != nil {
			return err
		} else if skipped {
			continue
		}
		if err := c.element(e); err != nil {
			return err
		}
		if len(c.out) < sendSize {
			continue
		}
		if err := c.flush(); err != nil {
			return err
		}
		select {
		case a := <-c.replies:
			return a.early()
		default:
		}
	}
	return c.flush()
}

// element pushes one element.
func (c *connection) element(e *stream.Element) error {
	f := c.f
	switch e.Kind() {
	case stream.HeaderElement:
		if err := c.change(e.Generation()); err != nil {
			return err
		}
		c.pass(e)
		return nil
	case stream.EndElement:
		if err := c.put(codec.AppendReason(nil, 'E', 0)); err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return err
		}
		return errOver
	}
	if err := c.put(f.frame(e)); err != nil {
		return err
	}
	f.v.Packets++
	if c.pass(e) {
		f.v.Resent++
	}
	return nil
}

// pass notes that all of an element is in out. It says whether it was sent before.
func (c *connection) pass(e *stream.Element) bool {
	c.ends = append(c.ends, len(c.out))
	return c.f.position.pass(e)
}

// frame is the $D of a packet, without padding. It is valid until the next call.
func (f *forward) frame(e *stream.Element) []byte {
	h, b := f.position.sent.gen.Header(), e.Full()
	if p, err := h.ParsePacket(b); err == nil { // else, who can, may make of it what they want
		f.packet = h.AppendStripped(f.packet[:0], b, p)
		b = f.packet
	}
	f.framed = codec.AppendFrame(f.framed[:0], 'D', b)
	return f.framed
}

// change announces another header in the middle of a push: push.md §4.
func (c *connection) change(g *stream.Generation) error {
	raw := g.Header().Raw
	if len(raw) > maxFrame-frameHead {
		return fmt.Errorf("%w: %d bytes, limit %d", errLargeHeader, len(raw), maxFrame-frameHead)
	}
	if err := c.put(codec.AppendReason(nil, 'E', 1)); err != nil {
		return err
	}
	return c.put(codec.AppendFrame(nil, 'C', append(make([]byte, 4), raw...))) // of reason 0
}

// put adds a frame to the body, or to the next one where this has no room.
func (c *connection) put(frame []byte) error {
	if rest := c.left - int64(len(frame)); rest != 0 && rest < frameHead {
		if err := c.nextBody(); err != nil {
			return err
		}
	}
	c.out = append(c.out, frame...)
	c.left -= int64(len(frame))
	return nil
}

// nextBody uses the body up with filler, waits for the answer and begins the next body, which has no header.
func (c *connection) nextBody() error {
	for c.left > 0 {
		n := min(c.left-frameHead, maxFrame)
		if rest := c.left - frameHead - n; rest > 0 && rest < frameHead {
			n -= frameHead
		}
		c.out = codec.AppendFrame(c.out, 'F', make([]byte, n))
		c.left -= frameHead + n
	}
	if err := c.flush(); err != nil {
		return err
	}
	late := time.NewTimer(answerTime)
	defer late.Stop()
	select {
	case a := <-c.replies:
		if a.err != nil {
			return fmt.Errorf("end of a body: %w", a.err)
		}
		if !a.reply.Accepted() {
			return fmt.Errorf("end of a body: %w", a.reply.Err())
		}
		c.f.id = cmp.Or(a.reply.ID, c.f.id)
	case <-c.done:
		return context.Canceled
	case <-late.C:
		return fmt.Errorf("end of a body: %w within %v", errNoAnswer, answerTime)
	}
	return c.begin()
}

// flush writes what is in out, a TLS record at a time.
func (c *connection) flush() error {
	size := len(c.out)
	for at := 0; at < size; {
		n := min(size-at, sendSize)
		before := c.push.Written()
		if !c.push.Secure() { // each byte by itself has arrived or not, also of a write that fails
			c.written(at+n, func(end int) int64 { return before + int64(end-at) })
		}
		c.watch.writing.Store(true)
		_, err := c.push.Write(c.out[at : at+n])
		c.watch.writing.Store(false)
		if err != nil {
			return err
		}
		at += n
		if c.push.Secure() { // of a record nothing has arrived before all has
			c.written(at, func(int) int64 { return c.push.Written() })
		}
	}
	c.out = c.out[:0]
	c.speed.sent(size, c.f.now())
	return nil
}

// written tells the spans up to a point in out where in the connection they end.
func (c *connection) written(upTo int, at func(end int) int64) {
	open := c.f.position.open[len(c.f.position.open)-len(c.ends):]
	n := 0
	for n < len(c.ends) && c.ends[n] <= upTo {
		open[n].end = at(c.ends[n])
		n++
	}
	c.ends = c.ends[:copy(c.ends, c.ends[n:])]
}

// A speed is how fast a stream goes out.
type speed struct {
	rate float64 // bytes a second
	at   clock.Instant
}

func (s *speed) sent(bytes int, now clock.Instant) {
	if d := now.Since(s.at).Seconds(); s.at > 0 && d > 0 {
		s.rate += (float64(bytes)/d - s.rate) / 4
	}
	s.at = now
}

// pause is how long packets are collected for one write: until they fill a record, but not for long. In TLS they are
// collected until the 22 bytes around a record are less than a hundredth of it, which takes longer where the stream is
// thin.
func (s *speed) pause(secure bool) time.Duration {
	const least, usual, most = 10 * time.Millisecond, 100 * time.Millisecond, time.Second
	long := usual
	if secure && s.rate > 0 {
		long = min(max(usual, s.takes(leastRecord)), most)
	}
	return max(least, min(long, s.takes(sendSize)))
}

// leastRecord is how much a TLS record is to hold, bytes.
const leastRecord = 2500

// takes is how long it takes until so many bytes are there, at most a minute.
func (s *speed) takes(bytes float64) time.Duration {
	return time.Duration(min(bytes/s.rate, 60) * float64(time.Second))
}

// skip goes on with the newest key frame if it is too far behind.
func (c *connection) skip(now clock.Instant) (bool, error) {
	f := c.f
	gen, late := f.position.sent.gen, f.position.behind(now)
	if late <= time.Duration(f.st.Config().ForwardLag) && f.position.size(f.st.Joins()) <= mostKept {
		return false, nil
	}
	if !f.position.skip(f.st.Joins()) {
		return false, nil
	}
	f.v.Skips++
	f.st.Log().Warn("forward is too slow, it goes on with a newer key frame", "to", f.v.Name,
		"behind", late.Round(time.Second))
	if next := f.position.sent.gen; next != gen {
		return true, c.change(next)
	}
	return true, nil
}
