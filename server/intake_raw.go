package server

import (
	"bytes"
	"fmt"

	"pumpd/asf"
)

// A rawIntake cuts a body of raw ASF (asf.md §8) into events: what cameras, FFmpeg, web servers and our own raw output
// send.
//
//	+---------------+----------------------+---------+---------+-----+-----------------+
//	| Header Object | Data Object's start  | packet  | packet  |  …  | indexes         |
//	|               | 50 bytes             | P bytes | P bytes |     | only in a file  |
//	+---------------+----------------------+---------+---------+-----+-----------------+
//
// What the Data Object says of its size and its packets does not matter: the header of a live stream may be that of a
// file, and then goes on for longer. Where a header stands in place of a packet the source has begun anew.
type rawIntake struct {
	in   *window
	size int // of a packet; 0: no header yet
}

// next returns the next event. An end within a packet is io.ErrUnexpectedEOF; any error is final.
func (n *rawIntake) next() (event, error) {
	b, err := n.in.want(len(asf.GUID{}))
	switch {
	case err != nil:
		return event{}, err
	case n.size == 0 || bytes.Equal(b, asfHeader[:]):
		return n.header()
	case asf.IsIndex(b):
		return event{kind: eventEnd}, nil
	}
	if b, err = n.in.want(n.size); err != nil {
		return event{}, err
	}
	n.in.use(n.size)
	return event{kind: eventPacket, data: b}, nil
}

func (n *rawIntake) header() (event, error) {
	b, err := n.in.want(asfObjectHead)
	if err != nil {
		return event{}, err
	}
	size, err := headerObjectSize(b)
	if err != nil {
		return event{}, err
	}
	if size += asfDataHead; size > intakeSize {
		return event{}, fmt.Errorf("header: %d bytes, limit %d", size, intakeSize)
	}
	if b, err = n.in.want(size); err != nil {
		return event{}, err
	}
	h, err := asf.ParseHeader(b)
	if err != nil {
		return event{}, err
	}
	n.in.use(size)
	n.size = h.PacketSize
	return event{kind: eventHeader, data: b}, nil
}
