package asf

import "bytes"

// AppendStripped appends b, the full form of a packet, of which p is the parse, as encoders push it: without padding
// and, where that can be, without the field that counts it (push.md §4). It is the shortest that a receiver makes b of
// again, byte for byte, by AppendFull, and b itself where nothing shorter is. It does not allocate where dst has room
// for the packet twice, unless the packet is so short that nothing can be left out.
//
//	Padding Length                  the field goes, or stays and becomes 0
//	a Packet Length without padding cut, as GStreamer counts
func (h *Header) AppendStripped(dst, b []byte, p Packet) []byte {
	at := len(dst)
	if p.paddingType() != none {
		if dst = p.appendUnpadded(dst, b); h.restores(dst, at, b) {
			return dst
		}
	}
	if p.end == len(b) {
		return append(dst[:at], b...)
	}
	if dst = p.appendCut(dst[:at], b); h.restores(dst, at, b) {
		return dst
	}
	if dst = append(dst[:at], b[:p.end]...); h.restores(dst, at, b) {
		return dst
	}
	return append(dst[:at], b...)
}

// appendUnpadded appends b without its padding and without a Padding Length.
func (p *Packet) appendUnpadded(dst, b []byte) []byte {
	at := len(dst)
	dst = append(dst, b[:p.paddingAt]...)
	dst = append(dst, b[p.timeAt():p.end]...)
	dst[at+p.flagsAt] &^= 3 << 3
	return dst
}

// restores says that what dst holds behind at becomes full by AppendFull.
func (h *Header) restores(dst []byte, at int, full []byte) bool {
	p, err := h.ParsePacket(dst[at:])
	if err != nil {
		return false
	}
	again := h.AppendFull(dst, dst[at:], p) // behind it, where dst has room
	return bytes.Equal(again[len(dst):], full)
}
