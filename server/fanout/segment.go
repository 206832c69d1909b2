package fanout

import (
	"encoding/binary"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// A segment is the run of packets that every in-step viewer lacks, laid out once as the bytes they are sent. Only the
// LocationId and the AFFlags of each frame differ between viewers; they are patched in place before each send, because
// the kernel copies synchronously and the same bytes then serve the next viewer.
//
//	form      bytes
//	mmsh      | 12 prefix | payload | 12 prefix | payload | …
//	raw       |   packet   |   packet   | …
//
// A hub has one segment and uses it again in each round.
type segment struct {
	from, to *stream.Element
	packets  []*stream.Element
	built    [stream.Forms]bool
	bytes    [stream.Forms][]byte
	ends     [stream.Forms][]int // where each packet's bytes end
}

const (
	segmentBytes   = 256 << 10
	segmentPackets = 1024
)

// cut takes the packets after from, up to 256 KB of them and none that came after now: one that comes in the middle of
// a round would cost each viewer a send of its own. It is false where the next element is not a packet.
func (g *segment) cut(from *stream.Element, now clock.Instant) bool {
	g.from, g.to, g.packets, g.built = from, from, g.packets[:0], [stream.Forms]bool{}
	size := 0
	for len(g.packets) < segmentPackets {
		e := g.to.Next()
		if e == nil || e.Kind() != stream.PacketElement || e.At() > now {
			break
		}
		size += codec.PrefixLen + len(e.Full())
		if size > segmentBytes && len(g.packets) > 0 {
			break
		}
		g.packets = append(g.packets, e)
		g.to = e
	}
	return len(g.packets) > 0
}

// size is how many bytes most viewers are sent of it.
func (g *segment) size() (n int) {
	for _, e := range g.packets {
		n += codec.PrefixLen + len(e.Payload(stream.ShortFrames))
	}
	return n
}

// release lets go of the chain. What was left of an earlier, longer run would hold all that came after it: for days.
func (g *segment) release() {
	clear(g.packets[:cap(g.packets)])
	g.packets, g.from, g.to = g.packets[:0], nil, nil
}

// patchedFor gives the segment's bytes for v, patched with its counters. They are valid until the next call.
func (g *segment) patchedFor(v *Viewer) []byte {
	f := v.dialect.form
	if !g.built[f] {
		g.build(f)
	}
	b := g.bytes[f]
	if f == stream.RawPackets {
		return b
	}
	location, start := g.packets[0].Index()-v.base, 0
	for i, end := range g.ends[f] {
		binary.LittleEndian.PutUint32(b[start+locationOffset:], location+uint32(i))
		b[start+flagsOffset] = v.seq + uint8(i)
		start = end
	}
	return b
}

// Where a viewer's own bytes are in a frame (mmsh.md §6.2).
const (
	locationOffset = 4
	flagsOffset    = 9
)

func (g *segment) build(f stream.Form) {
	b, ends := g.bytes[f][:0], g.ends[f][:0]
	for _, e := range g.packets {
		p := e.Payload(f)
		if f != stream.RawPackets {
			b = append(b, make([]byte, codec.PrefixLen)...)
			codec.PutDataPrefix(b[len(b)-codec.PrefixLen:], 'D', 0, 0, len(p))
		}
		b = append(b, p...)
		ends = append(ends, len(b))
	}
	g.bytes[f], g.ends[f], g.built[f] = b, ends, true
}

// took accounts for a send of which v's socket took n bytes.
func (g *segment) took(v *Viewer, n int) {
	f := v.dialect.form
	if n == len(g.bytes[f]) {
		v.at = g.to
		v.seq += uint8(len(g.packets))
		return
	}
	start := 0
	for i, end := range g.ends[f] {
		if n <= start {
			return
		}
		e := g.packets[i]
		v.at = e
		if n < end {
			g.keepRest(v, e, n-start)
			v.seq++
			return
		}
		v.seq++
		start = end
	}
}

// keepRest makes the prefix anew: with an engine that sends later, another viewer's may stand in the segment by now.
func (g *segment) keepRest(v *Viewer, e *stream.Element, n int) {
	var prefix []byte
	var room [codec.PrefixLen]byte
	if v.dialect.MMSH() {
		prefix = room[:]
		v.prefix(prefix, e, v.seq, len(v.payload(e)))
	}
	v.keepRest(prefix, v.payload(e), n)
}
