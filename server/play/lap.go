package play

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pumpd/asf"
)

// A lap is once through the file.
type lap struct {
	packets   *asf.FilePackets
	measure   asf.Lap
	good, bad int
	flaw      error     // what was wrong with the first bad one
	number    int       // of the packet that was read last, from 1 on
	doubt     duePacket // whose time the next packet must confirm; nil bytes: none
	next      duePacket // follows one that was in doubt; nil bytes: none
	use       int       // of fileLoop.bufs, for the next packet
}

// A duePacket is a packet in one of fileLoop.bufs, due at a time from the beginning of its lap.
type duePacket struct {
	b      []byte
	due    time.Duration
	number int
}

const minLap = time.Second // shorter files would only be a busy loop

// next returns the packet that follows, valid until the next call, and when it is due, counted from the very first one
// of this play. io.EOF: the lap is over.
func (l *fileLoop) next(ctx context.Context) (packet []byte, due time.Duration, err error) {
	for {
		f, err := l.sound(ctx)
		if err != nil {
			return nil, 0, err
		}
		if err := l.header.ShiftTimes(f.b, l.shift); err != nil {
			l.lap.spoil(f.number, err)
			continue
		}
		l.lap.good++
		return f.b, l.begin + f.due, nil
	}
}

// sound returns the next packet whose time fits those around it.
func (l *fileLoop) sound(ctx context.Context) (duePacket, error) {
	t := &l.lap
	if f := t.next; f.b != nil {
		t.next = duePacket{}
		return f, nil
	}
	for {
		b, p, err := l.read(ctx)
		if err != nil {
			t.refute()
			return duePacket{}, err
		}
		due, fits := t.measure.Add(l.header, b, p)
		switch {
		case t.measure.Confirmed:
			f := t.doubt
			f.due = t.measure.Before
			t.doubt, t.next = duePacket{}, duePacket{b, due, t.number}
			return f, nil
		case fits:
			t.refute()
			return duePacket{b, due, t.number}, nil
		}
		t.refute()
		t.doubt = duePacket{b, due, t.number}
		t.use ^= 1 // it is kept while the next one is read
	}
}

// read returns the next packet that is one.
func (l *fileLoop) read(ctx context.Context) (b []byte, p asf.Packet, err error) {
	t := &l.lap
	b = l.bufs[t.use]
	for {
		if err := t.packets.Next(b); err != nil {
			return nil, p, err
		}
		t.number++
		p, err := l.header.ParsePacket(b)
		if err == nil {
			return b, p, nil
		}
		t.spoil(t.number, err)
		if ctx.Err() != nil { // there may be gigabytes of them
			return nil, p, ctx.Err()
		}
	}
}

var errFileTime = errors.New("send time fits neither the packet before nor the one after")

// refute drops what is in doubt.
func (t *lap) refute() {
	if t.doubt.b != nil {
		t.spoil(t.doubt.number, errFileTime)
		t.doubt = duePacket{}
	}
}

// spoil counts a packet that is left out.
func (t *lap) spoil(number int, err error) {
	t.bad++
	if t.flaw == nil {
		t.flaw = fmt.Errorf("packet %d: %w", number, err)
	}
}

// verdict says why a file with this lap cannot be played.
func (t *lap) verdict() error {
	length := time.Duration(t.measure.Length()) * time.Millisecond
	switch {
	case t.good+t.bad == 0:
		return errors.New("file: no packets")
	case t.bad > t.good:
		return fmt.Errorf("file: %d of %d packets are bad, the first: %w", t.bad, t.good+t.bad, t.flaw)
	case length < minLap:
		return fmt.Errorf("file: plays %v, want at least %v", length, minLap)
	}
	return nil
}
