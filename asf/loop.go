package asf

import "time"

// A Lap measures how long a file's packets play, while they are read one after another. Its zero value is ready for
// the first one.
type Lap struct {
	Track
	spans [maxStream + 1]span
}

// Add takes the next packet: b, which is p by Header.ParsePacket. It is Track.Follow for it.
func (t *Lap) Add(h *Header, b []byte, p Packet) (due time.Duration, fits bool) {
	due, fits = t.Follow(h, p)
	if !fits {
		return due, false
	}
	if t.reset {
		t.spans = [maxStream + 1]span{}
	}
	h.addSpans(&t.spans, b, p)
	return due, true
}

// Length returns by how many ms the packets so far have to be shifted for each further lap of a loop (see ShiftTimes):
// so much that in each stream the first object of a lap comes after the last one of the lap before at the usual
// distance. Where audio and video are not equally long the longer one decides, so that nothing overlaps. Times that
// damage has made do not count (see Track).
//
// Play Duration does not say that: FFmpeg counts from 0 even where video starts later, and a recorded live stream has
// none.
func (t *Lap) Length() uint32 {
	length := int32(t.latest) // a lap must not begin before the last one has been sent
	for _, s := range t.spans {
		length = max(length, s.last-s.first+s.step())
	}
	return uint32(max(length, 0))
}

// addSpans notes the objects of audio and video that begin in a packet.
func (h *Header) addSpans(spans *[maxStream + 1]span, b []byte, p Packet) {
	w := p.walk(b)
	for range p.Payloads {
		l, _ := w.next() // ParsePacket saw no error here
		kind := h.kinds[l.stream]
		if (kind == Audio || kind == Video) && l.timeAt > 0 && h.shownFits(p.SendTime, l.time(b)) {
			spans[l.stream].addObjects(b, l, w.properties)
		}
	}
}

// A span is the stretch of time that the objects of one stream begin in.
type span struct {
	objects int
	origin  uint32 // time of the first one seen
	first   int32  // ms after origin, modulo 2^32: a recording may run over the end of the clock
	last    int32
}

func (s *span) add(t uint32) {
	if s.objects == 0 {
		s.origin = t
	}
	s.objects++
	at := int32(t - s.origin)
	s.first, s.last = min(s.first, at), max(s.last, at)
}

// addObjects notes the objects that begin in a payload.
func (s *span) addObjects(b []byte, l payload, properties byte) {
	if l.offset != 0 {
		return
	}
	f := fields{b: b, at: l.timeAt}
	t := f.read(l.timeType)
	if !l.compressed {
		s.add(t)
		return
	}
	f.read(properties & 3) // replicated length, 1
	delta := uint32(f.byte())
	for run := b[l.data:l.end]; len(run) > 0; run = run[1+int(run[0]):] {
		s.add(t)
		t += delta
	}
}

// step is the mean distance of two objects, rounded up.
func (s *span) step() int32 {
	if s.objects < 2 {
		return 0
	}
	n := int32(s.objects - 1)
	return (s.last - s.first + n - 1) / n
}
