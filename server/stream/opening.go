package stream

import (
	"pumpd/asf"
	"pumpd/codec"
)

// An opening replaces the first packet of a viewer that joins at a key frame whose packet also holds video from before
// it. Players decode that video although what it is based on is missing, and show damaged pictures (asf.Older). It is
// the header and the packet without that video, built once per join point and shared by all who start there.
type opening struct {
	older asf.Older // what it hides
	first *Element  // the packet it stands for
	bytes [Forms][]byte
}

// newOpening takes the trimmed packet in both forms. It is the first packet of its viewers, so its counters are 0.
func newOpening(older asf.Older, g *Generation, full, short []byte) *opening {
	return &opening{older: older, bytes: [Forms][]byte{
		ShortFrames: withFrame(g.framed, short),
		FullFrames:  withFrame(g.framed, full),
		RawPackets:  append(g.header.Raw[:len(g.header.Raw):len(g.header.Raw)], full...),
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
func (j *Joins) Begin(f Form, bears asf.Older) (b []byte, at *Element, packets uint8) {
	if o := j.opening; o != nil && o.older > bears {
		return o.bytes[f], o.first, 1
	}
	if f == RawPackets {
		return j.Gen.header.Raw, j.Start, 0
	}
	return j.Gen.framed, j.Start, 0
}
