package asf

import (
	"errors"
	"fmt"
)

// headerWalk is one pass over the objects of a header. It fills h and remembers what must not come twice.
type headerWalk struct {
	h       *Header
	objects int
	// By stream number: bitrates of the Stream Bitrate Properties, and the Extended Stream Properties.
	declared [maxStream + 1]uint32
	extended [maxStream + 1]extended
}

// run walks the children of the Header Object, which ends at size.
func (w *headerWalk) run(size int) error {
	// The count of children at 24 is only advice: encoders get it wrong, and no player relies on it.
	if err := w.children(headerHead, size, w.object); err != nil {
		return err
	}
	if w.h.properties == 0 {
		return errors.New("no file properties")
	}
	if len(w.h.Streams) == 0 {
		return errors.New("no streams")
	}
	w.complete()
	return nil
}

// children hands each object between from and to to visit. They fill that space exactly, or it is an error.
func (w *headerWalk) children(from, to int, visit func(object) error) error {
	for at := from; at < to; {
		if w.objects++; w.objects > maxObjects {
			return fmt.Errorf("more than %d objects", maxObjects)
		}
		id, b, err := cutObject(w.h.Raw[at:to])
		if err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		if err := visit(object{id, at, b}); err != nil {
			return err
		}
		at += len(b)
	}
	return nil
}

// object reads a child of the Header Object.
func (w *headerWalk) object(o object) error {
	if o.id == headerExtension {
		return wrap("header extension", w.extension(o))
	}
	return w.leaf(o)
}

// leaf reads an object that may stand in the Header Object or in its extension. FFmpeg walks both as one list, so what
// must be unique must be so over both.
func (w *headerWalk) leaf(o object) error {
	switch o.id {
	case fileProperties:
		return wrap("file properties", w.properties(o))
	case streamProperties:
		return wrap("stream properties", w.stream(o))
	case extendedStream:
		return wrap("extended stream properties", w.extendedStream(o))
	case streamBitrates:
		return wrap("stream bitrates", w.bitrates(o))
	case headerExtension:
		return errors.New("header extension inside another")
	}
	return nil
}

// wrap names the object an error came from.
func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// properties reads the File Properties Object, section 3.2.
//
//	 24        40          48        56        64         72         80        88      92    96    100
//	+---------+-----------+---------+---------+----------+----------+---------+-------+-----+-----+-------+
//	| File ID | file size | created | packets | play     | send     | preroll | flags | min | max | max   |
//	| GUID    | u64       | u64     | u64     | 100 ns   | 100 ns   | ms u64  | u32   | u32 | u32 | bit/s |
//	+---------+-----------+---------+---------+----------+----------+---------+-------+-----+-----+-------+
//
// flags: bit 0 broadcast, bit 1 seekable.
func (w *headerWalk) properties(o object) error {
	h, b := w.h, o.b
	if h.properties != 0 {
		return fmt.Errorf("twice, at %d and %d", h.properties, o.at)
	}
	if len(b) < propertiesSize {
		return fmt.Errorf("%d bytes, need %d", len(b), propertiesSize)
	}
	smallest, largest := le.Uint32(b[92:]), le.Uint32(b[96:])
	if smallest != largest {
		return fmt.Errorf("packet size: min %d, max %d, must be equal", smallest, largest)
	}
	if largest < minPacketSize || largest > maxPacketSize {
		return fmt.Errorf("packet size: %d, allowed %d to %d", largest, minPacketSize, maxPacketSize)
	}
	h.properties = o.at
	h.PacketSize = int(largest)
	h.readTimes()
	h.Preroll = le.Uint64(b[80:])
	h.MaxBitrate = le.Uint32(b[100:])
	return nil
}

// readTimes takes from Raw what Published changes.
func (h *Header) readTimes() {
	b := h.Raw[h.properties:]
	h.DataPackets = le.Uint64(b[56:])
	h.PlayDuration = le.Uint64(b[64:])
	h.SendDuration = le.Uint64(b[72:])
	h.Broadcast = b[88]&flagBroadcast != 0
}

func (w *headerWalk) stream(o object) error {
	s, err := parseStream(o.b)
	if err != nil {
		return err
	}
	if w.h.kinds[s.Number] != 0 {
		return fmt.Errorf("number %d: twice", s.Number)
	}
	w.h.kinds[s.Number] = s.Kind
	w.h.video = w.h.video || s.Kind == Video
	w.h.Streams = append(w.h.Streams, s)
	return nil
}

// extension walks the Header Extension Object, section 3.4: a GUID, 06 00, and at 42 the size of the children behind.
func (w *headerWalk) extension(o object) error {
	if len(o.b) < extensionHead {
		return fmt.Errorf("%d bytes, need %d", len(o.b), extensionHead)
	}
	if size := le.Uint32(o.b[42:]); uint64(size) != uint64(len(o.b)-extensionHead) {
		return fmt.Errorf("data size: %d, room for %d", size, len(o.b)-extensionHead)
	}
	return w.children(o.at+extensionHead, o.at+len(o.b), w.leaf)
}

func (w *headerWalk) extendedStream(o object) error {
	e, err := parseExtended(o.b)
	if err != nil {
		return err
	}
	if e.number <= maxStream {
		w.extended[e.number] = e
	}
	end := o.at + len(o.b)
	return w.children(end-len(e.embedded), end, w.embedded)
}

// embedded reads what stands at the end of an Extended Stream Properties Object; only Stream Properties may, section
// 4.1.
func (w *headerWalk) embedded(o object) error {
	if o.id != streamProperties {
		return fmt.Errorf("holds object %v, want %v", o.id, streamProperties)
	}
	return wrap("stream properties", w.stream(o))
}

// bitrates reads the Stream Bitrate Properties Object, section 3.12: at 24 a u16 count, then u16 stream number (bits
// 0-6) and u32 bit/s for each.
func (w *headerWalk) bitrates(o object) error {
	const head, record = 26, 6
	if len(o.b) < head {
		return fmt.Errorf("%d bytes, need %d", len(o.b), head)
	}
	count, records := int(le.Uint16(o.b[24:])), o.b[head:]
	if count*record > len(records) {
		return fmt.Errorf("%d records, room for %d", count, len(records)/record)
	}
	for ; count > 0; count-- {
		w.declared[le.Uint16(records)&0x7F] = le.Uint32(records[2:])
		records = records[record:]
	}
	return nil
}

// complete gives each stream what other objects say of it. Of bitrates those of the Stream Bitrate Properties win: they
// count the overhead of packets.
func (w *headerWalk) complete() {
	for i := range w.h.Streams {
		s := &w.h.Streams[i]
		e := &w.extended[s.Number]
		if s.Bitrate = w.declared[s.Number]; s.Bitrate == 0 {
			s.Bitrate = e.bitrate
		}
		if s.Kind == Video {
			s.FrameTime = e.frameTime
		}
	}
}
