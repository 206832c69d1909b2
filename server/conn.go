package server

import (
	"bytes"
	"net/netip"

	"pumpd/codec"
)

// A conn is a connection before, while and after it has a role. It belongs to its loop.
type conn struct {
	// Set by loop.open, never changed.
	loop   *loop
	remote netip.AddrPort

	wire     wire
	fd       int32
	slot     int32 // in loop.waiting, -1 while viewing
	scanned  int32 // bytes of the request head that hold no blank line; negative once it is whole
	need     int32 // bytes of the request, once its head is read and its body is awaited; 0 before
	phase    phase
	why      reason  // set: it is marked and waits for the sweep
	waited   bool    // it has held once for this request
	more     bool    // it has requests left that are served at the loop's next work
	deadline instant // of the phase; 0 is none
	viewer   *viewer // while viewing
	push     *push   // while feeding, and between the requests of one encoder
	waitsFor *stream // while holding
}

// A phase is where a conn is in its life.
type phase uint8

const (
	awaiting phase = iota // no whole request yet; then viewing, holding, feeding or closing
	holding               // its stream is not up yet; then awaiting, with its request still there, or closing
	viewing               // has a cursor; then closing
	feeding               // its body is a source's frames; then awaiting (the encoder keeps the conn) or closing
	closing               // our FIN is sent or about to be; what comes is thrown away; then closed
	closed                // gnet has let go of it; last
)

// Limits on what may wait in a conn's input.
const (
	maxHead      = 16 << 10 // a request head (mmsh.md §3.2)
	maxSetupBody = 4 << 10
	maxLogBody   = 64 << 10
	maxWaiting   = 64 << 10 // input while a reply cannot be sent, the stream is not up, or there are many requests
)

// open takes a new connection in. One that was still on its way when the server began to stop is let go at once.
func (l *loop) open(d door, now instant) *conn {
	l.turned.Store(int64(now))
	c := &conn{loop: l, wire: d.wire, remote: d.remote, fd: int32(d.fd), deadline: now.add(l.limits.requestHead)}
	l.conns.put(c)
	l.wait(c)
	if l.stopping {
		l.mark(c, shuttingDown)
		l.wake() // to sweep
	}
	return c
}

// traffic is called when bytes have come, and when a conn can go on that had to wait.
func (l *loop) traffic(c *conn, now instant) {
	l.now, l.serving = now, true
	l.process(c, now)
	l.sweep(now)
}

// turnRequests is how many requests of one conn are served before others have their turn. Hundreds fit what is read at
// once, and a few hundred conns that have that many would keep the viewers of a loop waiting for a second.
const turnRequests = 16

func (l *loop) process(c *conn, now instant) {
	for served := 0; c.why == noReason; {
		switch c.phase {
		case awaiting:
			if served++; served > turnRequests {
				l.goOn(c)
				return
			}
			if !l.serve(c, now) {
				return
			}
		case feeding:
			if !c.push.feed(c, now) {
				return
			}
		case holding:
			if len(c.wire.peek()) > maxWaiting {
				l.mark(c, tooLarge)
			}
			return
		case viewing, closing, closed:
			c.wire.discard(len(c.wire.peek()))
			return
		}
	}
	c.wire.discard(len(c.wire.peek()))
}

// goOn lets a conn that has had its turn have another.
func (l *loop) goOn(c *conn) {
	if len(c.wire.peek()) > maxWaiting {
		l.mark(c, tooLarge)
		return
	}
	if c.more {
		return
	}
	c.more = true
	l.tell(func(now instant) {
		c.more = false
		if c.phase == awaiting {
			l.process(c, now)
		}
	})
}

// serve answers one request. It is false when nothing more can be done until something comes.
func (l *loop) serve(c *conn, now instant) bool {
	b := c.wire.peek()
	if len(b) == 0 {
		return false
	}
	if c.wire.unsent() > 0 { // pipelined requests must not fill our memory with replies that nobody reads
		if len(b) > maxWaiting {
			l.mark(c, tooLarge)
		}
		return false
	}
	if len(b) < int(c.need) {
		return false
	}
	if b[0] == mmst[0] {
		return l.probe(c, b)
	}
	fresh := c.scanned == 0
	if fresh {
		c.deadline = now.add(l.limits.requestHead)
	}
	if c.scanned >= 0 {
		// What comes first is looked at even if it is no whole head: those who speak something else say no more.
		if c.scanned = headEnd(b, c.scanned); c.scanned >= 0 && !fresh && len(b) <= maxHead {
			return false
		}
	}
	n, err := codec.ParseRequest(b, maxHead, &l.request)
	if err == codec.ErrShort {
		c.scanned = int32(len(b)) // also behind empty lines, which look like the end of a head
		return false
	}
	if err != nil {
		l.log.Debug("bad request", "from", c.remote, "err", err)
		l.rebuff(c, statusOf(err), err.Error())
		return false
	}
	return l.route(c, n, b[n:], now)
}

// took ends a request of n bytes, its body included; the conn waits for the next one.
func (c *conn) took(n int, now instant) {
	c.wire.discard(n)
	c.scanned, c.need, c.waited, c.deadline = 0, 0, false, now.add(keepAliveTime)
}

// headEnd says how much of b holds no end of a request head, given that the first scanned bytes do not; negative when
// the end is there. It keeps a head that comes byte by byte from being parsed again for each byte.
func headEnd(b []byte, scanned int32) int32 {
	from := max(0, scanned-3)
	if bytes.Contains(b[from:], []byte("\n\r\n")) || bytes.Contains(b[from:], []byte("\n\n")) {
		return -1
	}
	return int32(len(b))
}

// mmst is how MMS over TCP begins when a player tries it on this port (mmsh.md §2).
var mmst = []byte{0x01, 0x00, 0x00, 0x00, 0xCE, 0xFA, 0x0B, 0xB0}

// probe half-closes on an MMST attempt and swallows the rest: players then fall back to HTTP within milliseconds, while
// they wait half a minute on an open connection, and a reset kills MPlayer.
func (l *loop) probe(c *conn, b []byte) bool {
	n := min(len(b), len(mmst))
	if !bytes.Equal(b[:n], mmst[:n]) {
		l.rebuff(c, 400, "not a request")
		return false
	}
	if n == len(mmst) {
		l.mark(c, mmstProbe)
	}
	return false
}

// shut sends our FIN as soon as everything before it is with the kernel.
func (c *conn) shut() {
	if c.wire.unsent() == 0 {
		c.wire.shut()
	}
}

// chore looks at what a conn has waited for too long.
func (c *conn) chore(now instant) {
	l := c.loop
	if c.phase == closing {
		c.shut()
	}
	if c.phase == awaiting && c.wire.unsent() == 0 && len(c.wire.peek()) > 0 {
		l.process(c, now)
	}
	if c.why == noReason && c.push != nil {
		c.push.chore(c, now)
	}
	if c.deadline == 0 || now.before(c.deadline) {
		return
	}
	switch {
	case c.phase == closing:
		c.wire.close(false)
	case c.phase == holding:
		l.unhold(c)
		l.process(c, now)
	case c.phase != awaiting || c.why != noReason:
	case len(c.wire.peek()) > 0:
		l.rebuff(c, 408, "no whole request in time")
	default:
		l.mark(c, requestTimeout)
	}
}
