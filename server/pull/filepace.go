package pull

import (
	"context"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
)

// A pacer holds back the packets of a file. A web server sends one as fast as it is taken, and viewers would have to
// take it as fast; as long as nobody reads on, the server waits.
type pacer struct {
	header *asf.Header // nil: what comes is live and sets the pace itself
	first  uint32      // ms, the send time of a packet
	start  time.Time   // when that was due; zero: none has come
}

// fileGap is a jump that is another clock.
const fileGap = time.Minute

// begin takes the header of a body of known length.
func (f *pacer) begin(header []byte) (err error) {
	f.header, err = asf.ParseHeader(header)
	f.start = time.Time{}
	return err
}

// wait returns when a packet may be passed on, or with the error of ctx.
func (f *pacer) wait(ctx context.Context, packet []byte) error {
	if f.header == nil {
		return nil
	}
	p, err := f.header.ParsePacket(packet)
	if err != nil {
		return nil // the source counts it
	}
	d := time.Duration(int32(p.SendTime-f.first)) * time.Millisecond
	if early := time.Until(f.start.Add(d)); !f.start.IsZero() && early < fileGap && early > -fileGap {
		return clock.Pause(ctx, early)
	}
	f.first, f.start = p.SendTime, time.Now()
	return ctx.Err()
}
