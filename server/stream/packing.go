package stream

import "pumpd/asf"

// A packing is how the packets of a header are kept for viewers.
type packing struct {
	header *asf.Header // as published
	short  bool        // as in tuning
}

// opening is for those who start at a packet, where they need one; else nil.
func (k packing) opening(b []byte, p asf.Packet, g *Generation) *opening {
	if p.Older == asf.NoOlder {
		return nil
	}
	full, short := k.forms(trimmed(k.header, b, p))
	return newOpening(p.Older, g, full, short)
}

// trimmed is a packet to start with: without the video before its key frame.
func trimmed(h *asf.Header, b []byte, p asf.Packet) ([]byte, asf.Packet) {
	if p.Older == asf.NoOlder {
		return b, p
	}
	t := h.AppendTrimmed(nil, b, p)
	parsed, err := h.ParsePacket(t)
	if err != nil {
		return b, p
	}
	return t, parsed
}

// forms copies a packet once into what viewers are sent: full for raw ASF, short for MMSH. They share their bytes when
// there is no padding to save.
func (k packing) forms(b []byte, p asf.Packet) (full, short []byte) {
	h := k.header
	full = h.AppendFull(make([]byte, 0, h.PacketSize), b, p)
	if !k.short || len(full)-len(b)+p.Padding < leastPadding {
		return full, full
	}
	if short = h.AppendShort(make([]byte, 0, len(b)+2), b, p); len(full)-len(short) < leastPadding {
		return full, full
	}
	return full, short
}

// leastPadding is what must be saved for a short form: FFmpeg warns of what is left when it puts 1 to 5 bytes back.
const leastPadding = 6
