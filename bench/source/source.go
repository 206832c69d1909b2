// Package source gives ASF packets in real time: made up, with a probe in each payload, or from a file.
package source

import (
	"context"
	"time"

	"pumpd/asf"
)

// A Source gives ASF packets in real time. One goroutine uses it.
type Source interface {
	// Header does not change.
	Header() *asf.Header
	// Due is when the next packet leaves, counted from the start of the source. ok is false when the source is over.
	Due() (at time.Duration, ok bool)
	// Take gives the packet that is due and goes on to the next. The bytes are valid until the following take.
	Take() []byte
}

// An Outlet is where a source's packets go.
type Outlet interface {
	// Send delivers one packet. It returns an error only when no later packet can be delivered either.
	Send(packet []byte) error
	// End is told once when the source has nothing more to say.
	End() error
}

// Pace sends what the source gives when it is due, until the source is over, limit has passed (0: no limit) or ctx is
// done; all three end the outlet in good order.
func Pace(ctx context.Context, src Source, out Outlet, limit time.Duration) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		at, ok := src.Due()
		if !ok || (limit > 0 && at >= limit) {
			return out.End()
		}
		timer.Reset(time.Until(start.Add(at)))
		select {
		case <-ctx.Done():
			return out.End()
		case <-timer.C:
		}
		if err := out.Send(src.Take()); err != nil {
			return err
		}
	}
}
