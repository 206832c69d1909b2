package server

import (
	"syscall"
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// An audience is the viewers that one loop has of one stream. It belongs to the loop.
type audience struct {
	stream  *stream.Stream
	at      *stream.Element // where in-step viewers stand: the end of the last round; nil without viewers
	viewers []*viewer
	held    []*conn // wait for the stream to come up
	bytes   uint64  // taken by sockets since they were last added to the stream's counter
	beat    beat
}

// news says whether the chain has grown beyond where its viewers stand; a loop has nil for a stream that it never
// served.
func (a *audience) news() bool { return a != nil && a.at != nil && a.at.Next() != nil }

// round offers what is new in every stream to its viewers.
func (l *loop) round(now clock.Instant) {
	served, before := 0, clock.ThreadTime()
	var gap time.Duration
	for _, a := range l.audiences {
		if a.news() {
			l.roundOf(a, now)
			served++
			gap = a.beat.gap
		}
	}
	if served > 1 {
		gap = 0 // there is no moment that is good for all
	}
	l.stats.rounds.Add(1)
	l.paced(clock.ThreadTime()-before, gap)
}

// roundOf brings every viewer that takes it to the newest element. In-step viewers get segments; the others take turns
// of their own, up to where the step is.
func (l *loop) roundOf(a *audience, now clock.Instant) {
	behind := true
	for {
		if l.segment.cut(a.at, now) {
			a.beat.note(l.segment.packets)
			behind = l.sweepSegment(a, now)
			continue
		}
		e := a.at.Next()
		if e == nil || e.At() > now {
			break
		}
		a.at = e // a header or the end: each viewer crosses it by itself
		l.turns(a, now)
	}
	if behind {
		l.turns(a, now)
	}
	l.segment.release()
	a.account()
}

// account adds what sockets took to the stream's counter.
func (a *audience) account() {
	a.stream.Stats().BytesOut.Add(a.bytes)
	a.bytes = 0
}

// sweepSegment sends the segment to the in-step viewers, and says whether there are others to be given turns: going
// through thousands of viewers again to find none is a fifth of our own work. It takes no lock and allocates nothing.
func (l *loop) sweepSegment(a *audience, now clock.Instant) (behind bool) {
	l.now = now
	for _, v := range a.viewers {
		switch {
		case v.inStep(l.segment.from):
			l.engine.send(v, l.segment.as(v), l)
		case v.state == following:
			behind = true
		}
	}
	l.engine.flush()
	a.at = l.segment.to
	a.bytes += l.taken
	l.taken = 0
	return behind
}

// sent is told by the engine what v's socket took of the segment.
func (l *loop) sent(v *viewer, n int, errno syscall.Errno) {
	l.sends++
	l.segment.took(v, n)
	l.took(v, n)
	switch {
	case errno == 0 && v.at == l.segment.to && v.lead == nil:
	case errno == 0 || errno == syscall.EAGAIN:
		l.await(v)
	default:
		l.mark(v.conn, reason.ClientClosed)
	}
}

// took counts n bytes that v's socket took.
func (l *loop) took(v *viewer, n int) {
	if n > 0 {
		v.bytes += uint64(n)
		l.taken += uint64(n)
		v.progress = l.now
	}
}

// await leaves v to the watcher until its socket can take more.
func (l *loop) await(v *viewer) {
	v.state = blocked
	l.expect(v.conn)
}

// expect has the watcher tell when c's socket can take more.
func (l *loop) expect(c *conn) {
	if err := l.watcher.arm(c.fd); err != nil {
		l.log.Error("watcher refused a descriptor", "err", err)
		l.mark(c, reason.WriteFailed)
	}
}

// turns gives a turn to every viewer that has something to get and is not waiting for its socket.
func (l *loop) turns(a *audience, now clock.Instant) {
	for _, v := range a.viewers {
		if v.state == following && (v.at != a.at || v.lead != nil) {
			l.turn(v, now)
		}
	}
}

// A turn is what one viewer outside the step gets before the others have theirs.
const (
	turnBytes   = 64 << 10
	turnPackets = 64
)

// turn sends v what it lacks: its lead, then packets up to where its audience stands, 64 KB at the most. Afterwards v
// is in step, or waits for its socket, or is leaving.
func (l *loop) turn(v *viewer, now clock.Instant) {
	l.now = now
	v.state = following
	l.catchUp(v, now)
	l.offer(v)
	clear(l.iov[:cap(l.iov)]) // as in segment.release
	clear(l.packets[:cap(l.packets)])
}

func (l *loop) offer(v *viewer) {
	for taken := 0; ; {
		size := l.gather(v)
		if size == 0 {
			if v.verdict != reason.None {
				l.mark(v.conn, v.verdict)
			}
			return
		}
		l.sends++
		n, errno := l.engine.writev(v, l.iov)
		l.advance(v, n)
		l.took(v, n)
		v.audience.bytes += l.taken
		l.taken = 0
		switch {
		case errno != 0 && errno != syscall.EAGAIN:
			l.mark(v.conn, reason.ClientClosed)
			return
		case n < size || taken+n >= turnBytes:
			l.await(v)
			return
		}
		taken += n
	}
}

// catchUp moves a viewer that is too far behind to the newest key frame: LocationId jumps with it, AFFlags does not.
func (l *loop) catchUp(v *viewer, now clock.Instant) {
	a := v.audience
	if v.verdict != reason.None || !a.at.After(v.at) {
		return
	}
	missed := v.at.Next() // what it has had may be old because the source paused
	if a.at.At().Since(missed.At()) <= l.limits.maxLag+v.gen.Lag() && a.at.BytesSince(v.at) <= l.limits.lagBytes {
		return
	}
	j := a.stream.Joins()
	if j == nil || !j.Newest.After(v.at) || j.Newest.After(a.at) || j.Gen != v.gen {
		return
	}
	v.skip(j.Newest)
	v.skips++
	a.stream.Stats().Skips.Add(1)
}

// gather collects in l.iov what v is to be sent next, and in l.packets the packets among it. It returns the bytes.
func (l *loop) gather(v *viewer) int {
	l.iov, l.packets = l.iov[:0], l.packets[:0]
	size := 0
	for {
		if v.lead != nil {
			for _, b := range v.lead.parts {
				if len(b) > 0 {
					l.iov = append(l.iov, b)
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
			return l.gatherPackets(v, e, size)
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
func (l *loop) gatherPackets(v *viewer, e *stream.Element, size int) int {
	seq := v.seq
	for e != nil && e.Kind() == stream.PacketElement && !e.After(v.audience.at) {
		if len(l.packets) == turnPackets || size >= turnBytes {
			break
		}
		p := v.payload(e)
		if v.dialect.mmsh() {
			prefix := l.prefixes[len(l.packets)][:]
			v.prefix(prefix, e, seq, len(p))
			l.iov = append(l.iov, prefix)
			size += len(prefix)
			seq++
		}
		l.iov = append(l.iov, p)
		l.packets = append(l.packets, e)
		size += len(p)
		e = e.Next()
	}
	return size
}

// advance moves v over the n bytes of the last gather that its socket took.
func (l *loop) advance(v *viewer, n int) {
	if v.lead != nil {
		for i, b := range v.lead.parts {
			took := min(n, len(b))
			if v.lead.parts[i] = b[took:]; took == len(b) {
				v.lead.parts[i] = nil
			}
			n -= took
		}
		v.settle()
	}
	for i, e := range l.packets {
		if n == 0 {
			return
		}
		var prefix []byte
		if v.dialect.mmsh() {
			prefix = l.prefixes[i][:]
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
