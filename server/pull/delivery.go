package pull

import (
	"context"
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

	// Its goroutine only.
	via     string        // as it was passed on last
	playing bool          // packets have come
	began   clock.Instant // when the first came, while playing
	pace    pacer
	pending *batch      // what the puller has not been told yet; nil: nothing
	alarm   *time.Timer // of collect; nil: it has never waited
}

// A report tells the puller of a lane, that something came or that it is over; of an origin, what a probe found.
type report struct {
	lane   *lane
	batch  *batch // the receiver's
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
	_ = d.flush() // what came before the end; unheard only at our own
	d.puller.st.SetLeisurely(false)
	return err
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
			if err := d.take(e); err != nil {
				return err
			}
		}
	}
	for {
		e, err := a.Next()
		if err != nil {
			return err
		}
		if err := d.take(e); err != nil {
			return err
		}
		if e.Kind == upstream.EventPacket {
			a.Extend()
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
	return d.take(upstream.Event{Kind: eventFile})
}

func (d *delivery) take(e upstream.Event) error {
	switch e.Kind {
	case upstream.EventEnd:
		return upstream.ErrEnded
	case upstream.EventPacket:
		if !d.playing {
			d.playing, d.began = true, d.puller.st.Clock().Now()
		}
		if d.pace.header != nil { // it may have to wait for its time, those before it not
			if err := d.flush(); err != nil {
				return err
			}
		}
		if err := d.pace.wait(d.ctx, e.Data); err != nil {
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
