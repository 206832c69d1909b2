package server

import (
	"context"
	"time"

	"pumpd/asf"
)

// A filePace holds back the packets of a file. A web server sends one as fast as it is taken, and viewers would have to
// take it as fast; as long as nobody reads on, the server waits.
type filePace struct {
	header *asf.Header // nil: what comes is live and sets the pace itself
	start  time.Time   // when the packet of the time first was due; zero: none has come
	first  uint32      // ms
}

const (
	fileLead = 3 * time.Second // packets are passed on so long before they are due
	fileGap  = time.Minute     // a jump by more is another clock
)

// begin takes the header of a body of known length.
func (f *filePace) begin(header []byte) (err error) {
	f.header, err = asf.ParseHeader(header)
	f.start = time.Time{}
	return err
}

// wait returns when a packet may be passed on, or with the error of ctx.
func (f *filePace) wait(ctx context.Context, packet []byte) error {
	if f.header == nil {
		return nil
	}
	p, err := f.header.ParsePacket(packet)
	if err != nil {
		return nil // the source counts it
	}
	d := time.Duration(int32(p.SendTime-f.first)) * time.Millisecond
	if early := time.Until(f.start.Add(d)); !f.start.IsZero() && early < fileGap && early > -fileGap {
		return pause(ctx, early-fileLead)
	}
	f.first, f.start = p.SendTime, time.Now()
	return ctx.Err()
}
