package server

import (
	"bytes"
	"context"
)

// A delivery is the work on one lane: it goes to the upstream and passes on what it says. It has a goroutine of its own.
type delivery struct {
	// Set at the start, never changed.
	puller *puller
	lane   *lane
	ctx    context.Context

	// Its goroutine only.
	via     string // as it was passed on last
	playing bool   // packets have come
}

// A news is what the puller hears: of a lane, that something came or that it is over; of a place, what a probe found.
type news struct {
	lane  *lane
	event event // of its own data
	over  bool
	place *place // probed
	err   error  // of what is over; of a probe, nil if the place is good
}

// run does all there is to do with one place, until it ends. If it is a service, one server after another is asked until
// one plays.
func (d *delivery) run() error {
	list, err := d.lane.place.at.locate(d.ctx, d.puller.dialer.services)
	if err != nil {
		return err
	}
	for _, to := range list {
		err = d.pull(to)
		if d.playing || d.ctx.Err() != nil {
			break
		}
	}
	return err
}

// pull is Describe and Play. An upstream that does not know Describe and plays is taken at its word.
func (d *delivery) pull(to *upstream) error {
	v := &visit{puller: d.puller, at: to, login: login{user: to.user, password: to.password}}
	defer func() { d.path(v) }()
	a, err := v.ask(d.ctx, nil)
	if err != nil {
		return err
	}
	about, err := a.describe()
	if err == nil && about.packet != nil {
		return d.play(v, a, about)
	}
	a.close()
	if err != nil {
		return err
	}
	if a, err = v.ask(d.ctx, about); err != nil {
		return err
	}
	return d.play(v, a, nil)
}

// play passes everything on. about is not nil if a Describe turned out to be the Play.
func (d *delivery) play(v *visit, a *answer, about *description) error {
	defer a.close()
	if err := d.path(v); err != nil {
		return err
	}
	a.patience(a.stall)
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
			a.heard()
		}
	}
}

func (d *delivery) take(e event) error {
	if e.kind == eventEnd {
		return errEnded
	}
	d.playing = d.playing || e.kind == eventPacket
	return d.puller.post(d.ctx, news{lane: d.lane, event: event{e.kind, bytes.Clone(e.data)}})
}

// path passes on which pumps are behind the upstream, as far as that is known.
func (d *delivery) path(v *visit) error {
	if v.via == d.via {
		return nil
	}
	d.via = v.via
	return d.puller.post(d.ctx, news{lane: d.lane, event: event{eventPath, []byte(v.via)}})
}

// post is for all goroutines around the puller.
func (p *puller) post(ctx context.Context, n news) error {
	select {
	case p.news <- n:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
