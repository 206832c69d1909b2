package asf

// Older says what video lies before the key frame in a packet with Join. It belongs to frames whose references a viewer
// who starts there never got, and players decode it nevertheless. More is worse.
type Older uint8

const (
	NoOlder    Older = iota
	OlderTail        // the end of a frame that began in an earlier packet: VLC shows damaged pictures, others drop it
	OlderFrame       // the start of a frame, mostly a whole one: FFmpeg and others say "first frame is no key frame"
)

// older classifies a payload of video before the first key frame.
func (l *payload) older() Older {
	if l.offset != 0 {
		return OlderTail
	}
	return OlderFrame
}

// AppendTrimmed appends the full form of b, of which p is the parse, without the video that p.Older speaks of: what a
// viewer who starts at this packet gets in its place. All other payloads stay as they are, and so do the times. The
// result is always PacketSize bytes; parse it again for its short form. If p.Older is NoOlder it is what AppendFull
// appends.
//
//	before   | fields | 3 | video, older | sound | video, key frame |  padding |
//	after    | fields | 2 | sound | video, key frame |                 padding |
//
// It always fits: the key frame remains, and what goes is more than Padding Length may need to be put in or widened.
func (h *Header) AppendTrimmed(dst, b []byte, p Packet) []byte {
	if p.Older == NoOlder {
		return h.AppendFull(dst, b, p)
	}
	// This allocates: callers do it once for a key frame, not for each viewer.
	trimmed := h.withoutOlder(b, &p)
	p.Padding, p.padding, p.end = 0, 0, len(trimmed)
	return h.AppendFull(dst, trimmed, p)
}

// withoutOlder returns a copy of b without older video and without padding. A Packet Length stays: AppendFull treats it
// like that of any packet that was cut.
func (h *Header) withoutOlder(b []byte, p *Packet) []byte {
	w := p.walk(b)
	out := make([]byte, w.f.at, p.end)
	copy(out, b)
	putField(out[p.paddingAt:], p.paddingType(), 0)
	count := &out[len(out)-1] // bits 0-5; one payload at least remains, so that bits 6-7 do not change
	started := false
	for i := range p.Payloads {
		from := w.f.at
		l, _ := w.next() // ParsePacket saw no error here
		kind := h.kinds[l.stream]
		started = started || h.startsAt(i, kind, l)
		if kind == Video && !started {
			*count--
			continue
		}
		out = append(out, b[from:l.end]...)
	}
	return out
}
