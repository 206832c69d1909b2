package push

import (
	"context"
	"fmt"
	"time"

	"pumpd/codec"
)

// begin sends a PushStart. Only the first of a connection has the header.
func (p *encoder) begin(header bool) error {
	if p.conn == nil { // the answer to the setup closed it
		if err := p.dial(context.Background()); err != nil {
			return err
		}
	}
	if err := p.write(p.request("pushstart", p.opt.Length, "")); err != nil {
		return err
	}
	p.left = p.opt.Length
	p.stats.Starts++
	if !header {
		return nil
	}
	return p.put(codec.AppendFrame(nil, 'H', p.head.Raw))
}

// put sends one whole frame and counts it against the body.
func (p *encoder) put(frame []byte) error {
	if err := p.write(frame); err != nil {
		return err
	}
	p.left -= int64(len(frame))
	return nil
}

func (p *encoder) write(b []byte) error {
	p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := p.conn.Write(b)
	p.stats.Bytes += int64(n)
	return err
}

// early gives the reason to stop in the middle of a body, nil if there is none: an answer that comes before the body is
// complete means an error (push.md §3).
func (p *encoder) early() error {
	select {
	case a := <-p.answers:
		if a.err != nil {
			return fmt.Errorf("server closed while streaming: %w", a.err)
		}
		return &refusal{"answer while streaming", a.reply.status, a.reply.reason}
	default:
		return nil
	}
}

// wrap uses up the body, waits for its 204 and starts the next one.
func (p *encoder) wrap() error {
	for _, size := range fillers(p.left) {
		if err := p.put(codec.AppendFrame(nil, 'F', make([]byte, size))); err != nil {
			return err
		}
	}
	rep, err := p.await()
	if err != nil {
		return fmt.Errorf("end of push body: %w", err)
	}
	if rep.status != 204 && rep.status != 200 {
		return &refusal{"end of push body", rep.status, rep.reason}
	}
	if err := p.accepted("end of push body", rep); err != nil {
		return err
	}
	if rep.closes {
		p.drop()
	}
	return p.begin(false)
}

// deliver sends one frame, in the present body or the next.
func (p *encoder) deliver(frame []byte) error {
	if err := p.early(); err != nil {
		return err
	}
	if p.left == 0 || !fits(p.left, len(frame)) {
		if err := p.wrap(); err != nil {
			return err
		}
	}
	return p.put(frame)
}
