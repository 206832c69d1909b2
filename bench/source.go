package main

import (
	"context"
	"time"

	"pumpd/asf"
)

// A source gives ASF packets in real time. One goroutine uses it.
type source interface {
	header() *asf.Header
	// due is when the next packet leaves, counted from the start of the source. ok is false when the source is over.
	due() (at time.Duration, ok bool)
	// take gives the packet that is due and goes on to the next. The bytes are valid until the following take.
	take() []byte
}

// An outlet is where a source's packets go.
type outlet interface {
	// send delivers one packet. It returns an error only when no later packet can be delivered either.
	send(packet []byte) error
	// over is told once when the source has nothing more to say.
	over() error
}

// pace sends what the source gives when it is due, until the source is over, limit has passed (0: no limit) or ctx is
// done; all three end the outlet in good order.
func pace(ctx context.Context, src source, out outlet, limit time.Duration) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		at, ok := src.due()
		if !ok || (limit > 0 && at >= limit) {
			return out.over()
		}
		timer.Reset(time.Until(start.Add(at)))
		select {
		case <-ctx.Done():
			return out.over()
		case <-timer.C:
		}
		if err := out.send(src.take()); err != nil {
			return err
		}
	}
}
