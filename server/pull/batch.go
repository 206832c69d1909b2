package pull

import (
	"sync"
	"time"

	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// A batch is what an upstream said without a pause, with its bytes: the puller is woken once for it. Where there are
// many streams, waking costs more than all that is done with a packet.
type batch struct {
	events []upstream.Event
	bytes  []byte // of the events
	other  bool   // not all of them are packets
	all    bool   // with them, all that had come is read
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// Limits of a batch; one with a single event may have more bytes.
const (
	batchEvents = 64
	batchBytes  = 64 << 10
)

// add copies an event into the batch.
func (b *batch) add(e upstream.Event) {
	at := len(b.bytes)
	b.bytes = append(b.bytes, e.Data...) // earlier events keep the memory that they have
	b.events = append(b.events, upstream.Event{Kind: e.Kind, Data: b.bytes[at:len(b.bytes):len(b.bytes)]})
	b.other = b.other || e.Kind != upstream.EventPacket
}

func (b *batch) full() bool { return len(b.events) >= batchEvents || len(b.bytes) >= batchBytes }

// release gives the batch back. Nobody may hold any of it.
func (b *batch) release() {
	clear(b.events)
	*b = batch{events: b.events[:0], bytes: b.bytes[:0]}
	batches.Put(b)
}

// add adds an event to what the puller will be told.
func (d *delivery) add(e upstream.Event) error {
	if d.pending == nil {
		d.pending = batches.Get().(*batch)
	}
	if d.pending.add(e); d.pending.full() {
		return d.flush()
	}
	return nil
}

// flush tells the puller.
func (d *delivery) flush() error {
	b := d.pending
	if b == nil {
		return nil
	}
	d.pending = nil
	return d.puller.post(d.ctx, report{lane: d.lane, batch: b})
}

// idle is called when all that has come is used up and more is to be waited for. While nobody watches, packets are let
// pile up in the socket first: to read ten at once costs little more than to read one. Who joins meanwhile starts in
// the past anyway. While somebody does, they pile up where the loops say when they are wanted.
func (d *delivery) idle(more bool) error {
	st := d.puller.st
	if d.pending != nil {
		d.pending.all = true
	} else {
		st.HasRead()
	}
	if err := d.flush(); err != nil {
		return err
	}
	leisurely := !more && d.leisurely()
	st.SetLeisurely(leisurely)
	watched := st.Watched() > 0
	if !leisurely || watched && !st.Called() {
		return nil
	}
	return d.pause(collectTime, watched)
}

// leisurely says that packets may wait. Where another upstream or a slate is to take over in time, every packet counts;
// and an upstream that has just begun, or of which more comes than is read at once, is read on.
func (d *delivery) leisurely() bool {
	st := d.puller.st
	return d.playing && len(d.puller.origins) == 1 && st.Config().Slate == "" &&
		st.Clock().Now().Since(d.began) >= stream.RepeatTime
}

// collectTime is much less than any upstream is waited for.
const collectTime = 250 * time.Millisecond

// pause waits for so long, or until it is called, where that is to count. It is over when the delivery is held. It
// comes with every batch, so the timer is used again.
func (d *delivery) pause(long time.Duration, called bool) error {
	d.alarm.Reset(long)
	switch {
	case d.held.Load() != nil:
	case called:
		d.puller.st.AwaitCall(d.ctx.Done(), d.alarm.C)
	default:
		select {
		case <-d.ctx.Done():
		case <-d.alarm.C:
		}
	}
	return d.ctx.Err()
}
