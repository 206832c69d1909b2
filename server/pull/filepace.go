package pull

import (
	"time"

	"pumpd/asf"
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

// early says how much too early a packet is now.
func (f *pacer) early(packet []byte) time.Duration {
	if f.header == nil {
		return 0
	}
	p, err := f.header.ParsePacket(packet)
	if err != nil {
		return 0 // the source counts it
	}
	d := time.Duration(int32(p.SendTime-f.first)) * time.Millisecond
	if early := time.Until(f.start.Add(d)); !f.start.IsZero() && early < fileGap && early > -fileGap {
		return early
	}
	f.first, f.start = p.SendTime, time.Now()
	return 0
}

// await returns when a packet may be passed on, with errHeld when it may not, or with the error of ctx.
func (d *delivery) await(packet []byte) error {
	for early := d.pace.early(packet); early > 0; early = d.pace.early(packet) {
		if err := d.pause(early, false); err != nil {
			return err
		}
		if d.held.Load() != nil {
			return errHeld
		}
	}
	return d.ctx.Err()
}
