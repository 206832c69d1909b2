package asf

import "slices"

// A packet has two forms here. The full form is exactly PacketSize bytes and says what of it is padding: raw ASF over
// HTTP needs it, and every player takes it over MMSH as well. The short form is without padding, for MMSH.
//
// The short form is not simply a packet cut off, though the specification of MMSH says so. Players fill a short packet
// up with zeros again. With several payloads those are never looked at. A single payload without Packet Length reaches
// to the end of the packet, so the zeros become media: FFmpeg then shows no frame at all, GStreamer drops fragments.
// Hence such a packet gets a Packet Length.

// AppendFull appends the full form of b, of which p is the parse: always PacketSize bytes. Payloads, times and key
// flags stay as they are.
//
//	b has PacketSize bytes        as it is
//	Packet Length < PacketSize    if all of that arrived zeros behind it: receivers know that they are padding; else what
//	                              is missing goes to Padding Length, or Packet Length shrinks
//	Padding Length                becomes what is there and what is missing; a BYTE that overflows becomes a WORD
//	neither                       a Padding Length is put in, BYTE if it can hold it, else WORD
//
// A Packet Length of all PacketSize bytes is as good as none: it stays, and what it promised is there again.
func (h *Header) AppendFull(dst, b []byte, p Packet) []byte {
	missing := h.PacketSize - len(b)
	switch {
	case missing == 0:
		return append(dst, b...)
	case p.lengthType() != none && p.length < h.PacketSize:
		return p.appendMeasured(dst, b, missing)
	case p.paddingType() == none:
		return p.appendInserted(dst, b, missing)
	case fits(p.paddingType(), p.Padding+missing):
		at := len(dst)
		dst = appendZeros(append(dst, b...), missing)
		putField(dst[at+p.paddingAt:], p.paddingType(), p.Padding+missing)
		return dst
	}
	return p.appendWidened(dst, b, missing)
}

// appendMeasured fills up a packet with Packet Length.
func (p *Packet) appendMeasured(dst, b []byte, missing int) []byte {
	at, n := len(dst), len(b)
	dst = appendZeros(append(dst, b...), missing)
	if !p.cut(n) {
		return dst
	}
	// Its sender cut padding and left the Packet Length alone. Undo that, which gives the original back; where the field
	// for padding is missing or too narrow, say how much there really is.
	if padding := p.length - p.end; p.paddingType() != none && fits(p.paddingType(), padding) {
		putField(dst[at+p.paddingAt:], p.paddingType(), padding)
		return dst
	}
	putField(dst[at+p.lengthAt:], p.lengthType(), n)
	return dst
}

// appendInserted fills up a packet that has no Padding Length. The field takes up some of what is missing, all of it if
// that is one byte.
func (p *Packet) appendInserted(dst, b []byte, missing int) []byte {
	typ := byte(byte1)
	if !fits(typ, missing-1) {
		typ = word
	}
	return p.appendPadding(dst, b, typ, missing-width[typ])
}

// appendWidened fills up a packet whose Padding Length is too narrow. Only a BYTE can be: no packet has more than 65524
// bytes.
func (p *Packet) appendWidened(dst, b []byte, missing int) []byte {
	return p.appendPadding(dst, b, word, missing-(width[word]-width[byte1]))
}

// appendPadding appends b with another type of Padding Length and more bytes of padding. What the field said before is
// of no interest: for several payloads it may not be true.
func (p *Packet) appendPadding(dst, b []byte, typ byte, more int) []byte {
	at := len(dst)
	dst = append(dst, b[:p.paddingAt]...)
	dst = appendZeros(dst, width[typ])
	dst = append(dst, b[p.timeAt():]...)
	dst = appendZeros(dst, more)
	dst[at+p.flagsAt] = p.flags&^(3<<3) | typ<<3
	putField(dst[at+p.paddingAt:], typ, p.Padding+more)
	return dst
}

// AppendShort appends the short form of b, of which p is the parse: without padding, and such that a player which fills
// it up with zeros finds the same payloads. It is never longer than PacketSize, and the full form of it has the same
// payloads as that of b.
//
//	several payloads             cut; Padding Length stays and becomes 0, so that AppendFull gives the original bytes
//	no padding, PacketSize bytes as it is
//	single, Packet Length        cut, and both lengths set to what is left
//	single                       cut, Padding Length becomes 0, and a WORD Packet Length is put in; the full form where
//	                             that gains nothing
func (h *Header) AppendShort(dst, b []byte, p Packet) []byte {
	switch {
	case p.Multiple && p.Padding == 0, p.end == h.PacketSize:
		return append(dst, b...)
	case p.Multiple:
		return p.appendCut(dst, b)
	case p.lengthType() != none && p.end >= minPacket:
		at := len(dst)
		dst = p.appendCut(dst, b)
		putField(dst[at+p.lengthAt:], p.lengthType(), p.end)
		return dst
	case p.lengthType() == none && p.end+width[word] < h.PacketSize:
		return p.appendMeasure(dst, b)
	}
	return h.AppendFull(dst, b, p)
}

// appendCut appends b without its padding.
func (p *Packet) appendCut(dst, b []byte) []byte {
	at := len(dst)
	dst = append(dst, b[:p.end]...)
	putField(dst[at+p.paddingAt:], p.paddingType(), 0)
	return dst
}

// appendMeasure appends b without its padding and with a WORD Packet Length, which it did not have.
func (p *Packet) appendMeasure(dst, b []byte) []byte {
	at := len(dst)
	dst = append(dst, b[:p.lengthAt]...)
	dst = le.AppendUint16(dst, uint16(p.end+width[word]))
	dst = append(dst, b[p.lengthAt:p.end]...)
	dst[at+p.flagsAt] |= word << 5
	putField(dst[at+p.paddingAt+width[word]:], p.paddingType(), 0)
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	clear(dst[at:])
	return dst
}
