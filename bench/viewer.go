package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/codec"
)

// A role is how a viewer behaves.
type role uint8

const (
	crowd   role = iota // drops what it gets inside the kernel
	sample              // reads and checks everything
	slow                // reads and checks, at a limited rate: the server may skip to key frames
	stalled             // asks and never reads
)

// A phase is where a viewer is in its life.
type phase uint8

const (
	connecting phase = iota // then asking, or watching when there is no protocol
	asking                  // the request is sent, the head of the answer has not all come; then watching, or connecting after a description
	watching                // then gone
	gone                    // closed; last
)

// A viewer is one connection. It belongs to its worker's goroutine.
type viewer struct {
	fd       int // -1 when closed
	slot     int // in its worker
	role     role
	phase    phase
	herd     bool // joined with the herd
	describe bool // this connection asks for the description only
	head     []byte
	check    *checker

	bytes   int64 // of stream
	mark    int64 // bytes at the start of the window, -1: was not watching then
	born    time.Time
	first   time.Duration // from born to the first byte of stream; 0: none yet
	last    time.Time     // of the newest bytes
	credit  float64       // bytes a slow viewer may read now
	silent  bool          // counted already
	outcome string        // why it is gone, "" if it is not or was told to
}

const (
	maxHead     = 16384
	slowTick    = 50 * time.Millisecond
	maxSlowRead = 64 << 10
)

// errEnd says that the server has closed the connection.
var errEnd = errors.New("closed by server")

// errLate says that the first byte of stream has not come in time.
var errLate = errors.New("no stream in time")

// open begins the viewer's connection.
func (w *worker) open(v *viewer) {
	w.turn++
	fd, err := w.site.dial(w.turn, w.opt.rcvbuf)
	if err != nil {
		w.fail(v, err)
		return
	}
	v.fd, v.phase = fd, connecting
	if err := w.watch(v, unix.EPOLL_CTL_ADD, unix.EPOLLOUT); err != nil {
		w.fail(v, err)
	}
}

// event handles one readiness report.
func (w *worker) event(v *viewer) {
	var err error
	switch v.phase {
	case connecting:
		err = w.ask(v)
	case asking:
		err = w.readHead(v)
	case watching:
		err = w.readStream(v)
	}
	if err != nil && err != unix.EAGAIN {
		w.fail(v, err)
	}
}

// ask sends the request once the connection is up.
func (w *worker) ask(v *viewer) error {
	if err := connected(v.fd); err != nil {
		return err
	}
	if w.opt.bare {
		w.enter(v)
		return w.watch(v, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
	}
	request := w.play
	if v.describe {
		request = w.description
	}
	if n, err := transmit(v.fd, request); err != nil || n < len(request) {
		return fmt.Errorf("request: %d of %d bytes sent: %w", n, len(request), err)
	}
	v.phase = asking
	if v.role == stalled {
		w.enter(v)
		return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil)
	}
	return w.watch(v, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
}

// enter makes a viewer one that watches.
func (w *worker) enter(v *viewer) {
	v.phase, v.last = watching, w.now
	w.tally.up.Add(1)
}

// readHead collects the head of the answer; what follows it is the stream.
func (w *worker) readHead(v *viewer) error {
	n, err := receive(v.fd, w.buf[:maxHead])
	if err != nil {
		return err
	}
	if n == 0 && v.describe && len(v.head) > 0 {
		return w.described(v)
	}
	if n == 0 {
		return errEnd
	}
	v.head = append(v.head, w.buf[:n]...)
	var r codec.Response
	n, err = codec.ParseResponse(v.head, maxHead, &r)
	if errors.Is(err, codec.ErrShort) {
		return nil
	}
	if err == nil && r.Status != 200 {
		err = fmt.Errorf("status %d", r.Status)
	}
	if err != nil || v.describe {
		return err
	}
	return w.begin(v, v.head[n:])
}

// described goes on to Play on a new connection, as players do.
func (w *worker) described(v *viewer) error {
	unix.Close(v.fd)
	v.describe, v.head = false, nil
	w.open(v)
	return nil
}

// begin starts the stream with its first bytes, which came with the head.
func (w *worker) begin(v *viewer, rest []byte) error {
	w.enter(v)
	v.head = nil
	if v.role != crowd {
		v.check = w.newChecker(v)
	}
	if v.role == slow {
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil); err != nil {
			return err
		}
	}
	w.got(v, rest, len(rest))
	return nil
}

// newChecker checks v's stream; packets born after v joined count for latency, the burst from the backlog does not.
func (w *worker) newChecker(v *viewer) *checker {
	since := v.born.UnixNano()
	return newChecker(w.opt.mmsh, v.role == slow, func(stamp int64) {
		if stamp >= since && v.role == sample {
			w.clock.add(v.herd, time.Duration(w.now.UnixNano()-stamp))
		}
	})
}

// readStream takes what is there: once, since epoll reports again what is left.
func (w *worker) readStream(v *viewer) error {
	if v.role == crowd {
		n, err := discard(v.fd, w.buf)
		if err != nil {
			return err
		}
		return w.taken(v, nil, n)
	}
	n, err := receive(v.fd, w.buf)
	if err != nil {
		return err
	}
	w.now = time.Now() // others of this batch took their time
	return w.taken(v, w.buf[:n], n)
}

// taken accounts for n bytes; none is the end.
func (w *worker) taken(v *viewer, b []byte, n int) error {
	if n == 0 {
		return errEnd
	}
	w.got(v, b, n)
	return nil
}

// got counts n bytes of stream and, where there is a checker, checks them.
func (w *worker) got(v *viewer, b []byte, n int) {
	if n == 0 {
		return
	}
	v.bytes += int64(n)
	v.last = w.now
	w.tally.bytes.Add(int64(n))
	if v.first == 0 {
		v.first = max(w.now.Sub(v.born), 1)
		w.clock.join(v.herd, v.first)
	}
	if v.check != nil {
		v.check.feed(b)
	}
}

// sip lets a slow viewer read what its rate allows.
func (w *worker) sip(v *viewer, d time.Duration) error {
	v.credit = min(v.credit+w.opt.slowRate/8*d.Seconds(), maxSlowRead)
	for v.credit >= 1 {
		n, err := receive(v.fd, w.buf[:int(v.credit)])
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.taken(v, w.buf[:n], n); err != nil {
			return err
		}
		v.credit -= float64(n)
	}
	return nil
}

// fail ends a viewer for a reason.
func (w *worker) fail(v *viewer, err error) {
	if v.phase == watching {
		w.tally.up.Add(-1)
	}
	if v.fd >= 0 {
		unix.Close(v.fd)
	}
	v.fd, v.phase, v.outcome, v.head = -1, gone, err.Error(), nil
	if v.check != nil && v.check.ended {
		v.outcome = fmt.Sprintf("stream ended, reason %#x", v.check.reason)
	}
	w.ended(v)
}
