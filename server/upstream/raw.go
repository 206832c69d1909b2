package upstream

import (
	"bytes"
	"fmt"

	"pumpd/asf"
)

// A rawReader cuts a body of raw ASF (asf.md §8) into events: what cameras, FFmpeg, web servers and our own raw output
// send.
//
//	+---------------+----------------------+---------+---------+-----+-----------------+
//	| Header Object | Data Object's start  | packet  | packet  |  …  | indexes         |
//	|               | 50 bytes             | P bytes | P bytes |     | only in a file  |
//	+---------------+----------------------+---------+---------+-----+-----------------+
//
// What the Data Object says of its size and its packets does not matter: the header of a live stream may be that of a
// file, and then goes on for longer. Where a header stands in place of a packet the source has begun anew.
type rawReader struct {
	in   *window
	size int // of a packet; 0: no header yet
}

// next returns the next event. An end within a packet is io.ErrUnexpectedEOF; any error is final.
func (n *rawReader) next() (Event, error) {
	b, err := n.in.need(len(asf.GUID{}))
	switch {
	case err != nil:
		return Event{}, err
	case n.size == 0 || bytes.Equal(b, headerGUID[:]):
		return n.header()
	case asf.IsIndex(b):
		return Event{Kind: EventEnd}, nil
	}
	if b, err = n.in.need(n.size); err != nil {
		return Event{}, err
	}
	n.in.use(n.size)
	return Event{Kind: EventPacket, Data: b}, nil
}

func (n *rawReader) header() (Event, error) {
	b, err := n.in.need(objectHead)
	if err != nil {
		return Event{}, err
	}
	size, err := headerObjectSize(b)
	if err != nil {
		return Event{}, err
	}
	if size += dataHead; size > windowSize {
		return Event{}, fmt.Errorf("header: %d bytes, limit %d", size, windowSize)
	}
	if b, err = n.in.need(size); err != nil {
		return Event{}, err
	}
	h, err := asf.ParseHeader(b)
	if err != nil {
		return Event{}, err
	}
	n.in.use(size)
	n.size = h.PacketSize
	return Event{Kind: EventHeader, Data: b}, nil
}
