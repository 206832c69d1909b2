package fanout

import (
	"syscall"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// turns gives a turn to every viewer that has something to get and is not waiting for its socket.
func (h *Hub) turns(a *audience, now clock.Instant) {
	for _, v := range a.viewers {
		if v.state == following && (v.at != a.at || v.lead != nil) {
			h.Turn(v, now)
		}
	}
}

// A Turn is what one viewer outside the step gets before the others have theirs.
const (
	turnBytes   = 64 << 10
	turnPackets = 64
)

// Turn sends v what it lacks: its lead, then packets up to where its audience stands, 64 KB at the most. Afterwards v
// is in step, or waits for its socket, or is leaving.
func (h *Hub) Turn(v *Viewer, now clock.Instant) {
	h.now = now
	v.state = following
	h.catchUp(v, now)
	if h.line != nil {
		h.meteredTurn(v)
	} else {
		h.offer(v)
	}
	clear(h.iov[:cap(h.iov)]) // as in segment.release
	clear(h.packets[:cap(h.packets)])
}

func (h *Hub) offer(v *Viewer) {
	for taken := 0; ; {
		size := h.gather(v)
		if size == 0 {
			if v.verdict != reason.None {
				h.owner.End(v, v.verdict)
			}
			return
		}
		h.sends++
		n, errno := h.engine.Writev(v, h.iov)
		h.advance(v, n)
		h.took(v, n)
		v.audience.bytes += h.taken
		h.taken = 0
		h.room -= n
		switch {
		case errno != 0 && errno != syscall.EAGAIN:
			h.owner.End(v, reason.ClientClosed)
			return
		case n < size || taken+n >= turnBytes:
			h.await(v)
			return
		}
		taken += n
	}
}

// gather collects in h.iov what v is to be sent next, and in h.packets the packets among it. It returns the bytes.
func (h *Hub) gather(v *Viewer) int {
	h.iov, h.packets = h.iov[:0], h.packets[:0]
	size := 0
	for {
		if v.lead != nil {
			for _, b := range v.lead.parts {
				if len(b) > 0 {
					h.iov = append(h.iov, b)
					size += len(b)
				}
			}
		}
		e := v.at.Next()
		if v.verdict != reason.None || e == nil || e.After(v.audience.at) {
			return size
		}
		switch {
		case e.Kind() == stream.PacketElement:
			return h.gatherPackets(v, e, size)
		case size > 0:
			return size // one thing at a time
		case e.Kind() == stream.HeaderElement:
			v.cross(e)
		default:
			v.finish(e)
		}
	}
}

// gatherPackets adds the packets from e on to size bytes of lead.
func (h *Hub) gatherPackets(v *Viewer, e *stream.Element, size int) int {
	seq := v.seq
	for e != nil && e.Kind() == stream.PacketElement && !e.After(v.audience.at) {
		if len(h.packets) == turnPackets || size >= min(turnBytes, h.room) {
			break
		}
		p := v.payload(e)
		if v.dialect.MMSH() {
			prefix := h.prefixes[len(h.packets)][:]
			v.prefix(prefix, e, seq, len(p))
			h.iov = append(h.iov, prefix)
			size += len(prefix)
			seq++
		}
		h.iov = append(h.iov, p)
		h.packets = append(h.packets, e)
		size += len(p)
		e = e.Next()
	}
	return size
}

// advance moves v over the n bytes of the last gather that its socket took.
func (h *Hub) advance(v *Viewer, n int) {
	if v.lead != nil {
		for i, b := range v.lead.parts {
			took := min(n, len(b))
			if v.lead.parts[i] = b[took:]; took == len(b) {
				v.lead.parts[i] = nil
			}
			n -= took
		}
		v.dropEmptyLead()
	}
	for i, e := range h.packets {
		if n == 0 {
			return
		}
		var prefix []byte
		if v.dialect.MMSH() {
			prefix = h.prefixes[i][:]
		}
		p := v.payload(e)
		v.at = e
		v.seq++
		if n < len(prefix)+len(p) {
			v.keepRest(prefix, p, n)
			return
		}
		n -= len(prefix) + len(p)
	}
}
