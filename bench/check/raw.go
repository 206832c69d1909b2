package check

import (
	"bytes"
	"encoding/binary"
	"errors"

	"pumpd/bench/probe"
)

// maxRawHeader bounds an ASF header in a raw stream, in bytes.
const maxRawHeader = 1 << 20

// rawStart decides what a plain HTTP body is: raw ASF from its header on, or the middle of a stream of packets.
func (c *Checker) rawStart(b []byte) int {
	yes, short := atHeader(b)
	switch {
	case short:
		return 0
	case !yes:
		c.unit = c.scan
		return c.scan(b)
	case len(b) < 24:
		return 0
	}
	size := binary.LittleEndian.Uint64(b[16:])
	if size > maxRawHeader {
		return c.giveUp(faultHeader, "header of %d bytes, limit %d", size, maxRawHeader)
	}
	n := int(size) + 50
	if len(b) < n || !c.header(b[:n]) {
		return 0
	}
	c.unit = c.rawPacket
	return n
}

// rawPacket takes one packet of a raw ASF stream: always the full packet size, asf.md §8.
func (c *Checker) rawPacket(b []byte) int {
	if len(b) < c.head.PacketSize {
		return 0
	}
	c.packet(b[:c.head.PacketSize], false)
	return c.head.PacketSize
}

// scan takes everything up to the end of the next probe. Servers that know nothing of packets start their viewers
// anywhere, and their next packet may follow at any distance.
func (c *Checker) scan(b []byte) int {
	at := bytes.Index(b, []byte(probe.Magic))
	if at < 0 {
		return max(0, len(b)-len(probe.Magic)+1)
	}
	p, err := probe.Parse(b[at:])
	if errors.Is(err, probe.ErrShort) {
		return at
	}
	if err != nil {
		c.found.Faults.add(faultContent, "%v", err)
		return at + len(probe.Magic)
	}
	if p.Index == p.Count-1 { // the last payload: all before it are here too
		c.found.Packets++
		c.follow(p, false)
	}
	return at + p.Length
}
