package check

import "encoding/binary"

// Sizes of MMSH framing, mmsh.md §6. They are read here by hand: the codec forgives what a server must not send.
const (
	framingHead = 4
	dataHead    = framingHead + 8 // and the pre-header
	maxInFrame  = 65524
	flagsFirst  = 0x04
	flagsLast   = 0x08
	flagsSingle = flagsFirst | flagsLast
)

// frame takes one frame of an MMSH Play answer.
//
//	 0      1      2        4            8             9         10           12
//	+------+------+--------+------------+-------------+---------+------------+----------
//	| 0x24 | type | length | LocationId | Incarnation | AFFlags | PacketSize | payload
//	+------+------+--------+------------+-------------+---------+------------+----------
//	                        $C and $E have a reason of 4 bytes here and nothing else
func (c *Checker) frame(b []byte) int {
	if len(b) < framingHead {
		return 0
	}
	if b[0] != 0x24 {
		return c.giveUp(faultFraming, "%#02x where a frame begins, after %d packets", b[0], c.found.Packets)
	}
	length := int(binary.LittleEndian.Uint16(b[2:]))
	n := framingHead + length
	if len(b) < n {
		return 0
	}
	switch b[1] {
	case 'H', 'D':
		if length < dataHead-framingHead || length > dataHead-framingHead+maxInFrame {
			return c.giveUp(faultFraming, "$%c of %d bytes", b[1], length)
		}
		if size := int(binary.LittleEndian.Uint16(b[10:])); size != length {
			return c.giveUp(faultFraming, "$%c of %d bytes with PacketSize %d", b[1], length, size)
		}
		location, flags := binary.LittleEndian.Uint32(b[4:]), b[9]
		if b[1] == 'H' {
			c.headerFrame(location, flags, b[dataHead:n])
		} else {
			c.dataFrame(location, flags, b[dataHead:n])
		}
	case 'C', 'E':
		if length != 4 {
			return c.giveUp(faultFraming, "$%c of %d bytes", b[1], length)
		}
		c.signal(b[1], binary.LittleEndian.Uint32(b[4:]))
	default:
		return c.giveUp(faultFraming, "frame type %q", b[1])
	}
	if c.dead {
		return 0
	}
	return n
}

// headerFrame collects the fragments of $H.
func (c *Checker) headerFrame(location uint32, flags uint8, payload []byte) {
	first := len(c.parts) == 0
	switch {
	case c.head != nil:
		c.giveUp(faultFraming, "a second $H without $C")
		return
	case flags&^flagsSingle != 0 || (flags&flagsFirst != 0) != first || (location == 0) != first:
		c.giveUp(faultFraming, "$H with LocationId %d and AFFlags %#02x after %d bytes of header",
			location, flags, len(c.parts))
		return
	}
	c.parts = append(c.parts, payload...)
	if flags&flagsLast != 0 && c.header(c.parts) {
		c.parts = nil
	}
}

// dataFrame checks the counters of one $D and the packet in it. Its LocationId may jump when packets were skipped, its
// AFFlags never.
func (c *Checker) dataFrame(location uint32, flags uint8, payload []byte) {
	if c.head == nil || c.found.Ended {
		c.giveUp(faultFraming, "$D before $H or after $E")
		return
	}
	if flags != c.sent.flags {
		c.found.Faults.add(faultFlags, "AFFlags %d where %d belongs, packet %d of this viewer",
			flags, c.sent.flags, c.found.Packets)
	}
	skipped := location != c.sent.location
	switch {
	case skipped && c.lenient && c.started && int32(location-c.sent.location) > 0:
		c.found.Skips++
	case skipped:
		c.found.Faults.add(faultLocation, "LocationId %d where %d belongs, packet %d of this viewer",
			location, c.sent.location, c.found.Packets)
	}
	c.sent = frameCounters{location + 1, flags + 1}
	c.packet(payload, skipped && c.lenient)
}

// signal takes $E and $C.
func (c *Checker) signal(kind byte, reason uint32) {
	if c.head == nil {
		c.giveUp(faultFraming, "$%c before $H", kind)
		return
	}
	if kind == 'E' {
		c.found.Ended, c.found.Reason = true, reason
		return
	}
	c.found.Ended, c.head = false, nil
	c.restart()
}
