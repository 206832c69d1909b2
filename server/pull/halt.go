package pull

import (
	"context"
	"errors"

	"pumpd/server/standstill"
	"pumpd/server/upstream"
)

// How a puller stands still. The lane that feeds has its delivery stand still between two events, so that what has been
// read is in the chain and the rest is in its Answer. Another delivery may go on, and nobody listens to what it says;
// the same goes for a feeding one that cannot stand still.
//
//	puller                           the feeding lane's delivery
//	halt: a hold, interrupts  ───▶   waits no more
//	takes what was on its way ◀───   batches
//	                          ◀───   that it stands
//	goOn                      ───▶   reads on

// A hold is one time that a delivery is to stand still.
type hold struct {
	over chan struct{} // closed when it may go on
}

// errHeld is why a delivery waits no longer.
var errHeld = errors.New("held")

// halt has the delivery come to a stand; a report will say that it has. nil: it does not play yet, or its connection
// cannot be interrupted.
func (d *delivery) halt() *hold {
	a := d.answer.Load()
	if a == nil {
		return nil
	}
	h := &hold{over: make(chan struct{})}
	d.held.Store(h)
	if !a.Interrupt() {
		d.held.Store(nil)
		return nil
	}
	d.alarm.Reset(0) // it may be waiting for that, and sets it before it looks whether it is held
	return h
}

// goOn ends a hold.
func (d *delivery) goOn(h *hold) {
	d.answer.Load().Proceed()
	d.held.Store(nil)
	close(h.over)
}

// stand is for a delivery that is interrupted: it stands still for as long as it is held.
func (d *delivery) stand(a *upstream.Answer) error {
	if h := d.held.Load(); h != nil {
		if err := d.flush(); err != nil {
			return err
		}
		if err := d.puller.post(d.ctx, report{lane: d.lane, stands: h}); err != nil {
			return err
		}
		select {
		case <-h.over:
		case <-d.ctx.Done():
			return d.ctx.Err()
		}
	}
	a.Await()
	return nil
}

// stand stands still for as long as the server wants it. It is ErrLeft where another process feeds the stream now.
func (p *puller) stand(halt *standstill.Halt) error {
	d, h := p.settle(halt)
	state := standstill.Nothing
	if h == nil {
		state.Snapshot = p.snapshot()
	} else {
		state = p.movable(d)
	}
	err := halt.Stand(p.ctx, state)
	if errors.Is(err, standstill.ErrLeft) {
		p.leave()
		return err
	}
	if h != nil {
		d.goOn(h)
	}
	p.excuse()
	return nil
}

// settle has the feeding lane's delivery stand still, by a hold. nil: there is none that can.
func (p *puller) settle(halt *standstill.Halt) (*delivery, *hold) {
	for p.active != nil {
		d := p.active.delivery
		h := d.halt()
		if h == nil {
			break
		}
		stands, err := p.settled(d, h, halt)
		if stands {
			return d, h
		}
		d.goOn(h)
		if err != nil {
			break
		}
	}
	return nil, nil
}

// settled takes what is on its way from a delivery until that stands still. False: it does not feed any more, or there
// is no time left.
func (p *puller) settled(d *delivery, h *hold, halt *standstill.Halt) (bool, error) {
	for p.active != nil && p.active.delivery == d {
		select {
		case n := <-p.reports:
			if n.stands == h {
				return true, nil
			}
			p.handle(n, p.st.Clock().Now())
		case <-halt.Over():
			return false, context.DeadlineExceeded
		case <-p.ctx.Done():
			return false, p.ctx.Err()
		}
	}
	return false, nil
}

// excuse lets nothing that the puller has not looked at meanwhile pass for silence.
func (p *puller) excuse() {
	for _, l := range p.lanes {
		l.opened = p.st.Clock().Now()
	}
}
