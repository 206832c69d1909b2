package server

import (
	"pumpd/asf"
	"pumpd/codec"
)

// An opening replaces the first packet of a viewer that joins at a key frame whose packet also holds video from before
// it. Players decode that video although what it is based on is missing, and show damaged pictures (asf.Older). It is
// the header and the packet without that video, built once per join point and shared by all who start there.
type opening struct {
	older asf.Older // what it hides
	first *element  // the packet it stands for
	bytes [forms][]byte
}

// newOpening takes the trimmed packet in both forms. It is the first packet of its viewers, so its counters are 0.
func newOpening(older asf.Older, g *generation, full, short []byte) *opening {
	return &opening{older: older, bytes: [forms][]byte{
		shortFrames: withFrame(g.framed, short),
		fullFrames:  withFrame(g.framed, full),
		rawPackets:  append(g.header.Raw[:len(g.header.Raw):len(g.header.Raw)], full...),
	}}
}

func withFrame(framed, payload []byte) []byte {
	b := make([]byte, len(framed)+codec.PrefixLen, len(framed)+codec.PrefixLen+len(payload))
	copy(b, framed)
	codec.PutDataPrefix(b[len(framed):], 'D', 0, 0, len(payload))
	return append(b, payload...)
}

// Begin is for a newcomer that gets a form and bears such older video: it is sent b, in which so many packets are, and
// goes on behind at.
func (j *joins) Begin(f form, bears asf.Older) (b []byte, at *element, packets uint8) {
	if o := j.opening; o != nil && o.older > bears {
		return o.bytes[f], o.first, 1
	}
	if f == rawPackets {
		return j.gen.header.Raw, j.start, 0
	}
	return j.gen.framed, j.start, 0
}
