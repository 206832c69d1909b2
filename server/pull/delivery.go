package pull

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
	"pumpd/server/upstream"
)

// A delivery is the work on one lane: it goes to the upstream and passes on what it says. It has a goroutine of its
// own.
type delivery struct {
	// Set at the start, never changed.
	puller *puller
	lane   *lane
	ctx    context.Context

	alarm *time.Timer // of collect and of the pace

	// Any goroutine; for halt.
	answer atomic.Pointer[upstream.Answer] // that it reads; nil: no packets have come yet
	held   atomic.Pointer[hold]            // nil: it may go on

	// Its goroutine only; and the puller's, while it stands still.
	via     string        // as it was passed on last
	playing bool          // packets have come
	began   clock.Instant // when the first came, while playing
	pace    pacer
	pending *batch // what the puller has not been told yet; nil: nothing
}

// newDelivery is for a lane, until ctx is done.
func (p *puller) newDelivery(ctx context.Context, l *lane) *delivery {
	l.delivery = &delivery{puller: p, lane: l, ctx: ctx, alarm: time.NewTimer(0)}
	return l.delivery
}

// A report tells the puller of a lane, that something came, that it stands still or that it is over; of an origin, what
// a probe found.
type report struct {
	lane   *lane
	batch  *batch // the receiver's
	stands *hold
	over   bool
	probed *origin // probed
	err    error   // of what is over; of a probe, nil if the origin is good
}

// What a delivery says besides the events of an upstream.
const (
	eventPath = upstream.EventEnd + 1 + iota // Via of the reply
	eventFile                                // what follows is a file from its beginning
)

// run does all there is to do with one origin, until it ends.
func (d *delivery) run() error {
	passOn := func(v *upstream.Visit) { _ = d.path(v) } // unheard only at the end
	err := d.puller.Search(d.ctx, d.lane.origin.at, d.pull, passOn)
	d.finish()
	return err
}

// resume goes on with an answer of another process, until it ends.
func (d *delivery) resume(a *upstream.Answer) error {
	defer a.Close()
	a.Playing(d.idle)
	err := d.read(a)
	d.finish()
	return err
}

// finish tells what came before the end.
func (d *delivery) finish() {
	_ = d.flush() // unheard only at our own end
	d.puller.st.SetLeisurely(false)
}

// pull is what follows a Describe: the Play. An upstream that does not know Describe and plays is taken at its word.
func (d *delivery) pull(v *upstream.Visit, a *upstream.Answer, about *upstream.Description) (played bool, err error) {
	if about.Packet == nil {
		a.Close()
		if a, err = v.Ask(d.ctx, about); err != nil {
			return false, err
		}
		about = nil
	}
	err = d.play(v, a, about)
	return d.playing, err
}

// play passes everything on. about is not nil if a Describe turned out to be the Play.
func (d *delivery) play(v *upstream.Visit, a *upstream.Answer, about *upstream.Description) error {
	defer a.Close()
	if err := d.path(v); err != nil {
		return err
	}
	a.Playing(d.idle)
	if about != nil {
		if err := d.begin(a, about); err != nil {
			return err
		}
		first := []upstream.Event{
			{Kind: upstream.EventHeader, Data: about.Header},
			{Kind: upstream.EventPacket, Data: about.Packet},
		}
		for _, e := range first {
			if err := d.take(a, e); err != nil {
				return err
			}
		}
	}
	return d.read(a)
}

// read passes on what comes until the end of it.
func (d *delivery) read(a *upstream.Answer) error {
	for {
		e, err := a.Next()
		if err == nil {
			err = d.take(a, e)
		}
		switch {
		case err == nil:
			if e.Kind == upstream.EventPacket {
				a.Extend()
			}
			continue
		case errors.Is(err, errHeld):
			a.Unread(e.Data)
		case !errors.Is(err, upstream.ErrInterrupted):
			return err
		}
		if err := d.stand(a); err != nil {
			return err
		}
	}
}

// begin prepares for what an answer turned out to be: a file comes as fast as it is read.
func (d *delivery) begin(a *upstream.Answer, about *upstream.Description) error {
	d.pace = pacer{}
	if !a.IsFile() {
		return nil
	}
	if err := d.pace.begin(about.Header); err != nil {
		return err
	}
	return d.take(a, upstream.Event{Kind: eventFile})
}

// take passes an event on. errHeld: it does not, for it is held.
func (d *delivery) take(a *upstream.Answer, e upstream.Event) error {
	switch e.Kind {
	case upstream.EventEnd:
		return upstream.ErrEnded
	case upstream.EventPacket:
		if !d.playing {
			d.playing, d.began = true, d.puller.st.Clock().Now()
			d.answer.Store(a)
		}
		if d.pace.header != nil { // it may have to wait for its time, those before it not
			if err := d.flush(); err != nil {
				return err
			}
		}
		if err := d.await(e.Data); err != nil {
			return err
		}
	}
	return d.add(e)
}

// path passes on which pumps are behind the upstream, as far as that is known.
func (d *delivery) path(v *upstream.Visit) error {
	if v.Via == d.via {
		return nil
	}
	d.via = v.Via
	if err := d.add(upstream.Event{Kind: eventPath, Data: []byte(v.Via)}); err != nil {
		return err
	}
	return d.flush()
}

// post is for all goroutines around the puller.
func (p *puller) post(ctx context.Context, n report) error {
	select {
	case p.reports <- n:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
