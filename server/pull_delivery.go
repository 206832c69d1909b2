package server

import (
	"context"
	"time"
)

// A delivery is what comes of one upstream: the source that it is for the stream, from its first header on.
type delivery struct {
	puller *puller
	from   string
	source *source // nil until the first header
	first  time.Time
	latest time.Time // of packets
}

func (d *delivery) lasted() time.Duration { return d.latest.Sub(d.first) }

// run feeds the stream until the upstream ends or ctx is done. about is not nil if a Describe turned out to be the Play.
func (d *delivery) run(ctx context.Context, a *answer, about *description) error {
	defer a.close()
	a.patience(a.stall)
	err := d.feed(a, about)
	switch {
	case d.source == nil:
	case ctx.Err() != nil:
		d.source.end()
	default:
		d.source.lost(err)
	}
	return err
}

func (d *delivery) feed(a *answer, about *description) error {
	if about != nil {
		for _, e := range []event{{eventHeader, about.header}, {eventPacket, about.packet}} {
			if err := d.take(e); err != nil {
				return err
			}
		}
	}
	for {
		e, err := a.next()
		if err != nil {
			return err
		}
		if err := d.take(e); err != nil {
			return err
		}
		if e.kind == eventPacket {
			a.patience(a.stall)
		}
	}
}

func (d *delivery) take(e event) (err error) {
	switch e.kind {
	case eventEnd:
		return errEnded
	case eventHeader:
		if d.source == nil {
			if d.source, err = d.puller.st.claim(sourcePull, d.from); err != nil {
				return err
			}
		}
		return d.source.header(e.data)
	}
	d.latest = time.Now()
	if d.first.IsZero() {
		d.first = d.latest
	}
	return d.source.packet(e.data)
}
