package stream

import (
	"time"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/clock"
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

// Bare is for a newcomer that is sent the header and whose start is chosen later, by Restart. at is where it stands.
func (j *Joins) Bare(f Form) (header []byte, at *Element) {
	if f == RawPackets {
		return j.Gen.header.Raw, j.Newest
	}
	return j.Gen.framed, j.Newest
}

// Restart is Begin for one that has the header already.
func (j *Joins) Restart(f Form, bears asf.Older) (b []byte, at *Element, packets uint8) {
	header, _ := j.Bare(f)
	b, at, packets = j.Begin(f, bears)
	return b[len(header):], at, packets
}

// Within is j with the oldest start behind which there are no more than so many bytes, or else with the newest key
// frame: for a newcomer whose burst is to be short. ahead is how many bytes there are behind it.
func (j *Joins) Within(most int64) (within *Joins, ahead int64) { return j.WithinUpTo(most, nil) }

// WithinUpTo is Within, as if j ended at an element. It is nil if there is no start up to there.
func (j *Joins) WithinUpTo(most int64, end *Element) (within *Joins, ahead int64) {
	p, bytes := j.oldest, j.bytes
	if end != nil {
		if j.Start.After(end) {
			return nil, 0
		}
		bytes = min(bytes, end.bytes)
	}
	if p == nil {
		return j, 0
	}
	for next := p.next.Load(); next != nil && j.since(p) > most && next.bytes < bytes; next = p.next.Load() {
		p = next
	}
	if p == j.oldest {
		return j, j.since(p)
	}
	shorter := *j
	shorter.oldest, shorter.Start, shorter.opening = p, p.before, p.opening
	return &shorter, j.since(p)
}

// since is how many bytes there are from a join point on.
func (j *Joins) since(p *joinable) int64 { return int64(j.bytes - p.bytes) }

// NextKey is how long it takes until there is another key frame to start at, if they go on coming as they did. It is
// not ok where that is not known.
func (j *Joins) NextKey(now clock.Instant) (in time.Duration, ok bool) {
	if j.every == 0 {
		return 0, false
	}
	in = j.every - now.Since(j.latest)
	return max(in, 0), in > -j.every
}
