package viewers

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/check"
	"pumpd/bench/sock"
	"pumpd/codec"
)

// A Role is how a viewer behaves.
type Role uint8

const (
	Crowd   Role = iota // drops what it gets inside the kernel
	Sample              // reads and checks everything
	Slow                // reads and checks, at a limited rate: the server may skip to key frames
	Stalled             // asks and never reads
)

// A phase is where a viewer is in its life.
type phase uint8

const (
	connecting  phase = iota // then handshaking, asking, or watching when there is no protocol
	handshaking              // TLS: the handshake has the descriptor; then asking, or watching if it is never to read
	asking                   // the answer's head has not all come; then watching, or connecting again after a Describe
	watching                 // then gone
	gone                     // closed; last
)

// A viewer is one connection. It belongs to its worker's goroutine.
type viewer struct {
	fd       int // -1 when closed
	slot     int // in its worker
	site     *Site
	tls      *tls.Conn // nil: no TLS, or none yet
	role     Role
	phase    phase
	herd     bool // joined with the herd
	describe bool // this connection asks for the description only
	head     []byte
	check    *check.Checker

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
func (w *Worker) open(v *viewer) {
	w.turn++
	v.tls = nil
	fd, err := v.site.target.Dial(w.turn, w.opt.Rcvbuf)
	if err != nil {
		w.fail(v, err)
		return
	}
	v.fd, v.phase = fd, connecting
	if err := w.poll(v, unix.EPOLL_CTL_ADD, unix.EPOLLOUT); err != nil {
		w.fail(v, err)
	}
}

// event handles one readiness report.
func (w *Worker) event(v *viewer) {
	err := w.proceed(v)
	for err == nil && v.buffers() {
		err = w.proceed(v)
	}
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		w.fail(v, err)
	}
}

func (w *Worker) proceed(v *viewer) error {
	switch v.phase {
	case connecting:
		return w.ask(v)
	case asking:
		return w.readHead(v)
	case watching:
		return w.readStream(v)
	}
	return nil
}

// ask sends the request once the connection is up.
func (w *Worker) ask(v *viewer) error {
	if err := sock.Connected(v.fd); err != nil {
		return err
	}
	if w.opt.Bare {
		w.enter(v)
		return w.poll(v, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
	}
	if v.site.secure != nil {
		return w.startHandshake(v)
	}
	return w.request(v, unix.EPOLL_CTL_MOD)
}

// request sends what the viewer asks and, by op, lets epoll tell of the answer.
func (w *Worker) request(v *viewer, op int) error {
	request := v.site.play
	if v.describe {
		request = v.site.description
	}
	if n, err := v.transmit(request); err != nil || n < len(request) {
		return fmt.Errorf("request: %d of %d bytes sent: %w", n, len(request), err)
	}
	v.phase = asking
	if v.role == Stalled {
		w.enter(v)
		if op == unix.EPOLL_CTL_ADD {
			return nil
		}
		return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil)
	}
	return w.poll(v, op, unix.EPOLLIN)
}

// enter makes a viewer one that watches.
func (w *Worker) enter(v *viewer) {
	v.phase, v.last = watching, w.now
	w.tally.up.Add(1)
}

// readHead collects the head of the answer; what follows it is the stream.
func (w *Worker) readHead(v *viewer) error {
	n, err := v.receive(w.buf[:maxHead])
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
		err = newRejection(&r, v.head[:n], w.now)
	}
	if err != nil || v.describe {
		return err
	}
	return w.startStream(v, v.head[n:])
}

// described goes on to Play on a new connection, as players do.
func (w *Worker) described(v *viewer) error {
	unix.Close(v.fd)
	v.describe, v.head = false, nil
	w.open(v)
	return nil
}

// startStream takes its first bytes, which came with the head.
func (w *Worker) startStream(v *viewer, rest []byte) error {
	w.enter(v)
	v.head = nil
	if v.role != Crowd {
		v.check = w.newChecker(v)
	}
	if v.role == Slow {
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil); err != nil {
			return err
		}
	}
	w.got(v, rest, len(rest))
	return nil
}

// newChecker checks v's stream; packets born after v joined count for latency, the burst from the backlog does not.
func (w *Worker) newChecker(v *viewer) *check.Checker {
	since := v.born.UnixNano()
	return check.New(v.site.mmsh, v.role == Slow, func(stamp int64) {
		if stamp >= since && v.role == Sample {
			w.clock.Packet(v.herd, time.Duration(w.now.UnixNano()-stamp))
		}
	})
}

// readStream takes what is there: once, since epoll reports again what is left.
func (w *Worker) readStream(v *viewer) error {
	if v.role == Crowd {
		n, err := sock.Discard(v.fd, w.buf)
		if err != nil {
			return err
		}
		return w.taken(v, nil, n)
	}
	n, err := v.receive(w.buf)
	if err != nil {
		return err
	}
	w.now = time.Now() // others of this batch took their time
	return w.taken(v, w.buf[:n], n)
}

// taken accounts for n bytes; none is the end.
func (w *Worker) taken(v *viewer, b []byte, n int) error {
	if n == 0 {
		return errEnd
	}
	w.got(v, b, n)
	return nil
}

// got counts n bytes of stream and, where there is a checker, checks them.
func (w *Worker) got(v *viewer, b []byte, n int) {
	if n == 0 {
		return
	}
	v.bytes += int64(n)
	v.last = w.now
	w.tally.bytes.Add(int64(n))
	if v.first == 0 {
		v.first = max(w.now.Sub(v.born), 1)
		w.clock.Join(v.herd, v.first)
	}
	if v.check != nil {
		v.check.Feed(b)
	}
}

// readSlowly lets a slow viewer read what its rate allows.
func (w *Worker) readSlowly(v *viewer, d time.Duration) error {
	v.credit = min(v.credit+w.opt.SlowRate/8*d.Seconds(), maxSlowRead)
	for v.credit >= 1 {
		n, err := v.receive(w.buf[:int(v.credit)])
		if errors.Is(err, unix.EAGAIN) {
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
func (w *Worker) fail(v *viewer, err error) {
	watched := v.phase == watching
	if watched {
		w.tally.up.Add(-1)
	}
	if v.fd >= 0 {
		unix.Close(v.fd)
	}
	v.fd, v.phase, v.outcome, v.head = -1, gone, err.Error(), nil
	if v.check != nil {
		if found := v.check.Findings(); found.Ended {
			v.outcome = fmt.Sprintf("stream ended, reason %#x", found.Reason)
		}
	}
	w.ended(v, err, watched)
}
