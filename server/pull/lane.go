package pull

import (
	"context"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/pulse"
	"pumpd/server/stream"
)

// A lane is one connection to an upstream, from the first request to the last packet. A goroutine of its own reads it,
// see delivery; what that says arrives as reports. A lane that stands by keeps what comes, so that it can go on where
// the active one stops.
type lane struct {
	// Set by open, never changed.
	origin   *origin
	cancel   context.CancelFunc
	aim      aim
	delivery *delivery

	// The puller's goroutine only.
	opened clock.Instant // or when it was excused last
	via    string        // of the upstream's reply
	header []byte        // the newest; nil: none yet
	asf    *asf.Header   // the same, as published
	pulse.Pulse
	file bool               // what comes is one, with times of its own
	mute bool               // has given the stream up for being silent, and still is
	near *stream.Generation // of the stream, whose times its own are about; nil: they are not
	kept []keptPacket
	size int // bytes of kept
}

// An aim is why a lane was opened.
type aim uint8

const (
	aimFeed   aim = iota // there was none, or it did not answer
	aimPair              // one of a pair
	aimRelief            // the feeding one is silent
	aimReturn            // to a preferred upstream
)

// A keptPacket is one that viewers have not been sent from this lane.
type keptPacket struct {
	b    []byte
	send uint32 // ms
	join bool
	at   clock.Instant
}

// How much is kept: enough for the other upstream to be that far behind.
const (
	keptTime  = 10 * time.Second
	keptBytes = 32 << 20
)

// setHeader begins anew with another header.
func (l *lane) setHeader(b []byte) error {
	h, err := asf.ParseHeader(b)
	if err != nil {
		return err
	}
	l.header, l.asf = b, h.Published()
	l.forget()
	return nil
}

func (l *lane) forget() { l.kept, l.size, l.near = nil, 0, nil }

// came notes that a packet has come.
func (l *lane) came(now clock.Instant) {
	l.Pulse.Came(now)
	l.mute = false
}

// lastPacket is when its last packet came, before all time if there was none.
func (l *lane) lastPacket() clock.Instant {
	if l.Packets == 0 {
		return -1
	}
	return l.Latest
}

// lasted is for how long packets have come.
func (l *lane) lasted() time.Duration { return l.Latest.Since(l.First) }

// pastBurst says that what comes is no burst of the past any more.
func (l *lane) pastBurst() bool { return l.lasted() >= stream.RepeatTime }

// quiet is since when nothing has come, and how long that may last.
func (l *lane) quiet() (since clock.Instant, patience time.Duration) {
	return max(l.Latest, l.opened), l.Patience()
}

// keep stores a packet. What is not one of the header is left out; the source counts such when it is its turn.
func (l *lane) keep(b []byte, now clock.Instant) {
	p, err := l.asf.ParsePacket(b)
	if err != nil {
		return
	}
	l.kept = append(l.kept, keptPacket{b: b, send: p.SendTime, join: p.Join, at: now})
	l.size += len(b)
	for len(l.kept) > 0 && (now.Since(l.kept[0].at) > keptTime || l.size > keptBytes) {
		l.size -= len(l.kept[0].b)
		l.kept[0] = keptPacket{} // the array behind it lives on
		l.kept = l.kept[1:]
	}
}

// firstJoin is where in kept the first key frame is that came after a moment.
func (l *lane) firstJoin(after clock.Instant) (i int, ok bool) {
	for i, k := range l.kept {
		if k.join && k.at > after {
			return i, true
		}
	}
	return len(l.kept), false
}

// since is where in kept that begins which came after a moment.
func (l *lane) since(after clock.Instant) int {
	i := len(l.kept)
	for i > 0 && l.kept[i-1].at > after {
		i--
	}
	return i
}
