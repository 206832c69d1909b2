package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/reason"
)

// A tlsWire is a wire on which TLS is spoken. Below it is another, and the socket itself for what viewers are sent.
//
//	peek, discard ◀── plain ◀── tls.Conn ◀── shim.in  ◀── below: what gnet has read
//	write, shut   ──────────▶   tls.Conn ──▶ shim.out ──▶ below: gnet keeps what the socket does not take
//	offer         ──────────▶   tls.Conn ──▶ shim.out ──▶ socket; what it does not take stays in out, for the next offer
//
// Records must not overtake each other: what goes below takes what is left in out with it, and nothing is offered while
// gnet keeps anything.
type tlsWire struct {
	shim     shim
	tls      *tls.Conn
	below    wire
	c        *conn
	plain    []byte // decrypted; discarded as far as used
	used     int    // bytes
	heldBack bool   // the first byte of the next offer is sent already
	over     error  // nothing more can be read: io.EOF after close_notify, else what the peer did wrong
}

// Limits of a tlsWire.
const (
	tryBytes   = 4 << 10
	readBytes  = 1 << 10  // room for a request; the buffer grows for more
	keepPlain  = 64 << 10 // memory for plain that is kept for more to come
	maxAnswers = 64 << 10 // bytes unsent when a peer that does not read goes on asking for new keys
)

var errKeyFlood = errors.New("asks for new keys and does not read")

// newTLSWire makes the wire of a connection whose handshake is to come; hello has been read.
func newTLSWire(h *handshake, hello []byte) *tlsWire {
	w := &tlsWire{shim: shim{handshake: h, in: hello}}
	w.tls = tls.Server(&w.shim, h.all.certs.Load().config())
	return w
}

// open makes w the wire of a conn, above another. Then the loop must look at what came with the handshake.
func (w *tlsWire) open(c *conn, below wire) {
	w.c, w.below = c, below
	w.shim.detach(&c.loop.records)
}

// received takes what has come below and lets the loop look at it.
func (w *tlsWire) received(now clock.Instant) {
	l, c := w.c.loop, w.c
	fine := w.over == nil
	w.take()
	if c.phase == closed {
		return
	}
	if fine && w.over != nil && !errors.Is(w.over, io.EOF) {
		l.log.Debug("tls", "from", c.remote, "err", w.over)
		l.mark(c, reason.BadRequest)
	}
	l.traffic(c, now)
	if errors.Is(w.over, io.EOF) && c.phase != closed { // as gnet does when a FIN comes
		w.shut()
		w.below.close(false)
	}
}

// take decrypts what has come, and answers what TLS itself wants.
func (w *tlsWire) take() {
	w.decrypt()
	w.passOn()
}

// decrypt moves everything from below into plain. Answers to it, new keys or an alert, are then in out.
func (w *tlsWire) decrypt() {
	in := w.below.peek()
	before := len(w.shim.unsent())
	w.shim.in = in
	w.plain = slices.Delete(w.plain, 0, w.used) // once for many discards
	w.used = 0
	for w.over == nil {
		w.plain = slices.Grow(w.plain, readBytes)
		n, err := w.tls.Read(w.plain[len(w.plain):cap(w.plain)])
		w.plain = w.plain[:len(w.plain)+n]
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		w.over = err
	}
	w.shim.in = nil
	w.below.discard(len(in))
	after := len(w.shim.unsent())
	if unsent := after + w.below.unsent(); w.over == nil && after > before && unsent > maxAnswers {
		w.over = fmt.Errorf("%w: %d bytes unsent, limit %d", errKeyFlood, unsent, maxAnswers)
	}
	if len(w.plain) == 0 {
		w.discard(0)
	}
}

func (w *tlsWire) peek() []byte { return w.plain[w.used:] }

func (w *tlsWire) discard(n int) {
	if w.used += n; w.used < len(w.plain) {
		return
	}
	w.plain, w.used = w.plain[:0], 0
	if w.c.phase != feeding || cap(w.plain) > keepPlain {
		w.plain = nil
	}
}

// write encrypts a reply. It fails only after an alert, with which the peer is told enough.
func (w *tlsWire) write(b []byte) {
	_, _ = w.tls.Write(b)
	w.passOn()
}

// try encrypts a small piece; the wire below may keep it.
func (w *tlsWire) try(a, b []byte) (n int) {
	if w.below.unsent() > 0 {
		return 0
	}
	for _, p := range [2][]byte{a, b} {
		if p = p[:min(len(p), tryBytes-n)]; len(p) == 0 {
			continue
		}
		if _, err := w.tls.Write(p); err != nil {
			break // after an alert, as in write
		}
		n += len(p)
	}
	w.passOn()
	return n
}

// passOn leaves what is to be sent to the wire below.
func (w *tlsWire) passOn() {
	if b := w.shim.unsent(); len(b) > 0 {
		w.below.write(b)
		w.shim.took(len(b))
	}
}

// unsent does not count what is left in out of an offer: shut passes that on.
func (w *tlsWire) unsent() int { return w.below.unsent() }

// shut says close_notify, once, unless there was an alert already.
func (w *tlsWire) shut() {
	if w.over == nil || errors.Is(w.over, io.EOF) {
		_ = w.tls.CloseWrite() // into out
	}
	w.passOn()
	if w.below.unsent() == 0 {
		w.below.shut()
	}
}

func (w *tlsWire) close(abort bool) { w.below.close(abort) }

// offer encrypts b for a viewer, at most fanout.OfferBytes of it, and sends what that gives. It returns how much of b
// was taken: encrypted, but for one byte as long as the socket has not taken all of it. So whoever has given everything
// knows that everything is sent, and does not close before a slow socket has it. The next offer must begin with that
// byte. EAGAIN is a full socket, any other errno a dead one.
func (w *tlsWire) offer(b []byte) (int, syscall.Errno) {
	if errno := w.flush(); errno != 0 {
		return 0, errno
	}
	b = b[:min(len(b), fanout.OfferBytes)]
	fresh := b
	if w.heldBack {
		fresh = b[1:]
	}
	w.heldBack = false
	if len(fresh) == 0 {
		return len(b), 0
	}
	if _, err := w.tls.Write(fresh); err != nil {
		return 0, syscall.EPIPE // after an alert
	}
	switch errno := w.flush(); errno {
	case 0:
		return len(b), 0
	case syscall.EAGAIN:
		w.shim.shrink()
		w.heldBack = true
		return len(b) - 1, 0
	default:
		return 0, errno
	}
}

// flush sends a viewer what is in out. EAGAIN: not all of it.
func (w *tlsWire) flush() syscall.Errno {
	b := w.shim.unsent()
	if w.below.unsent() > 0 {
		return syscall.EAGAIN
	}
	if len(b) == 0 {
		return 0
	}
	n, errno := fanout.SendNow(int(w.c.fd), b)
	if errno != 0 {
		return errno
	}
	w.shim.took(n)
	w.c.viewer.Progressed(w.c.loop.now)
	if n < len(b) {
		return syscall.EAGAIN
	}
	return 0
}
