package server

import (
	"bytes"
	"errors"
	"net/netip"
	"unique"

	"pumpd/codec"
	"pumpd/server/admission"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A conn is a connection: to somebody who asks, to a viewer or to an encoder. It belongs to its loop.
type conn struct {
	// Set by loop.open, never changed.
	loop *loop

	remote   netip.AddrPort // who it is to limits and logs: where a trusted proxy is in front, its client, see front.go
	wire     wire
	fd       int32
	slot     int32 // in loop.waiting, -1 while viewing
	heldSlot int32 // in loop.held, -1 unless holding
	scanned  int32 // while partHead: bytes of the head that hold no blank line
	need     int32 // bytes of the request, once its head is read and its body is awaited; 0 before
	thrown   int32 // bytes that have come while closing, maxThrown at the most
	phase    phase
	head     headProgress
	why      reason.Reason         // set: it is marked and waits for the sweep
	waited   bool                  // it has been holding for this request, and is not to again
	queued   bool                  // it is in loop.queue
	verdict  auth.Verdict          // of the request's credentials, after a wait; Unknown: none yet
	seat     admission.Seat        // while holding and then in the queue, and while viewing
	late     bool                  // the socket has not taken all of a reply; deadline is for that
	owed     []byte                // what is left of a reply's body, which belongs to the stream, see owed.go
	deadline clock.Instant         // of the phase; 0 is none
	viewer   *fanout.Viewer        // while viewing
	who      unique.Handle[client] // the viewer, for the access log; thousands are the same
	push     *push                 // while feeding, and between the requests of one encoder
	waitsFor *stream.Stream        // while holding and then in the queue
	guest    *guest                // of the gate; nil: it has an ordinary place
}

// A phase is where a conn is in its life.
type phase uint8

const (
	awaiting phase = iota // no whole request yet; then viewing, holding, feeding or closing
	holding               // stream not up, or nobody knows yet whether it may; then awaiting with its request, or closing
	viewing               // has a cursor; then closing
	feeding               // its body is a source's frames; then awaiting (the encoder keeps the conn) or closing
	closing               // our FIN is sent or about to be; what comes is thrown away; then closed
	closed                // gnet has let go of it; last
)

// A headProgress is how much has come of the head of a conn's next request.
type headProgress uint8

const (
	noHead    headProgress = iota // nothing; then partHead or wholeHead
	partHead                      // a part of it; then wholeHead
	wholeHead                     // all of it, and maybe the body; then noHead, when the request has been answered
)

// Limits on what may wait in a conn's input.
const (
	maxHead      = 16 << 10 // a request head (mmsh.md §3.2)
	maxSetupBody = 4 << 10
	maxLogBody   = 64 << 10
	maxUnserved  = 16 << 10 // requests, while a reply cannot be sent, the stream is not up, or many have come
	maxWaiting   = 64 << 10 // requests, while a password waits for its check: the encoder goes on sending

	maxThrown = 256 << 10 // of what comes while it is closing
)

// open makes a conn of a new connection. One that comes while the server stops is closed at once.
func (l *loop) open(d arrival, now clock.Instant) *conn {
	l.owner.check()
	l.turned.Store(int64(now))
	c := &conn{loop: l, wire: d.wire, remote: d.remote, fd: int32(d.fd), heldSlot: -1, guest: d.guest,
		deadline: now.Add(l.limits.requestHead)}
	l.conns.put(c)
	if d.front != nil {
		l.fronts[c] = d.front
	}
	l.schedule(c)
	if c.guest != nil {
		c.guest.crowd.move(c.guest, now, func() { l.evict(c) })
	}
	switch {
	case l.stopping:
		l.mark(c, reason.ShuttingDown)
		l.wake() // to sweep
	case l.gate.bans.Has(c.remote.Addr()): // since it was let in, in its handshake
		l.mark(c, reason.Banned)
		l.wake()
	}
	return c
}

// traffic is called when bytes have come on a connection.
func (l *loop) traffic(c *conn, now clock.Instant) {
	l.owner.check()
	l.now, l.serving = now, true
	l.process(c, now)
	l.sweep(now)
}

// process acts on c's input as far as it goes, by what c is. It is also called when nothing has come and a conn that
// had to wait can go on.
func (l *loop) process(c *conn, now clock.Instant) {
	for served := 0; c.why == reason.None; {
		switch c.phase {
		case awaiting:
			if served == atOnce || c.queued {
				l.enqueue(c)
				return
			}
			served++
			if !l.serve(c, now) {
				return
			}
		case feeding:
			if !c.push.feed(c, now) {
				return
			}
		case holding:
			l.overfull(c)
			return
		case viewing, closing, closed:
			if _, has := l.lodgers[c]; has {
				l.lodge(c)
				return
			}
			c.throwAway()
			return
		}
	}
	c.throwAway()
}

// throwAway drops what has come. While a conn is closing, that lets the peer read our reply before it hears of a reset;
// but one that goes on and on is reset all the same.
func (c *conn) throwAway() {
	n := len(c.wire.peek())
	c.wire.discard(n)
	if c.phase != closing {
		return
	}
	if c.thrown += int32(min(n, maxThrown)); c.thrown > maxThrown {
		c.wire.close(true)
	}
}

// serve answers one request. It is false when nothing more can be done until something comes.
func (l *loop) serve(c *conn, now clock.Instant) bool {
	b := c.wire.peek()
	if len(b) == 0 {
		return false
	}
	if c.unsent() > 0 { // pipelined requests must not fill our memory with replies that nobody reads
		l.ahead(c, b)
		if !c.late {
			c.sending(now)
		}
		return false
	}
	c.late = false
	l.served++
	if len(b) < int(c.need) {
		return false
	}
	if f := l.fronts[c]; f != nil && f.awaited {
		return l.introduce(c, f, b, now)
	}
	if b[0] == mmst[0] {
		return l.probe(c, b)
	}
	first := c.head == noHead
	if first {
		c.deadline = now.Add(l.limits.requestHead)
	}
	c.scan(b)
	// What comes first is parsed even if it is no whole head: those who speak something else may send no more.
	if c.head == partHead && !first && len(b) <= maxHead {
		return false
	}
	n, err := codec.ParseRequest(b, maxHead, &l.request)
	if errors.Is(err, codec.ErrShort) {
		c.head, c.scanned = partHead, int32(len(b)) // also behind empty lines, which look like the end of a head
		return false
	}
	if err != nil {
		l.refuseUnread(c, statusOf(err), err.Error())
		return false
	}
	c.attribute(&l.request)
	if l.fronts[c] != nil && l.gate.bars(c.remote.Addr()) {
		l.refuse(c, requesterOf(&l.request, serverOf(c)), 403, bannedText)
		return false
	}
	return l.route(c, n, b[n:], now)
}

// next discards a request of n bytes, its body included; the conn waits for the next one.
func (c *conn) next(n int, now clock.Instant) {
	c.wire.discard(n)
	c.head, c.scanned, c.need, c.waited, c.verdict = noHead, 0, 0, false, auth.Unknown
	c.deadline = now.Add(keepAliveTime)
	c.loop.settle(c)
	c.sending(now)
}

// scan looks for the blank line that ends a request head in what has come of it, b. It remembers how far it looked, so
// that a head that comes byte by byte is not parsed again for each byte.
func (c *conn) scan(b []byte) {
	if c.head == wholeHead {
		return
	}
	from := max(0, c.scanned-3)
	c.head, c.scanned = partHead, int32(len(b))
	if bytes.Contains(b[from:], []byte("\n\r\n")) || bytes.Contains(b[from:], []byte("\n\n")) {
		c.head, c.scanned = wholeHead, 0
	}
}

// mmst is how MMS over TCP begins when a player tries it on this port (mmsh.md §2).
var mmst = []byte{0x01, 0x00, 0x00, 0x00, 0xCE, 0xFA, 0x0B, 0xB0}

// probe ends a conn whose input, b, is a player's attempt to speak MMST: with a FIN and no more, so that the player
// falls back to HTTP within milliseconds. On an open connection it would wait half a minute, and a reset kills MPlayer.
func (l *loop) probe(c *conn, b []byte) bool {
	n := min(len(b), len(mmst))
	if !bytes.Equal(b[:n], mmst[:n]) {
		l.refuseUnread(c, 400, "not a request")
		return false
	}
	if n == len(mmst) {
		l.mark(c, reason.MMSTProbe)
	}
	return false
}

// shut sends our FIN, if everything before it is with the kernel.
func (c *conn) shut() {
	if c.unsent() == 0 {
		c.wire.shut()
	}
}

// chore ends what has taken c too long; it is called every choreInterval.
func (c *conn) chore(now clock.Instant) {
	l := c.loop
	if c.late {
		l.deliver(c, now)
	}
	if c.phase == closing {
		c.shut()
	}
	if c.why == reason.None && c.push != nil {
		c.push.chore(c, now)
	}
	if c.deadline == 0 || now.Before(c.deadline) {
		return
	}
	switch {
	case c.phase == closing:
		c.wire.close(c.late)
	case c.phase == holding:
		l.unhold(c, now)
	case c.phase != awaiting || c.why != reason.None:
	case c.late:
		l.mark(c, reason.Stalled)
	case len(c.wire.peek()) > 0:
		l.refuseUnread(c, 408, "no whole request in time")
	default:
		l.mark(c, reason.RequestTimeout)
	}
}
