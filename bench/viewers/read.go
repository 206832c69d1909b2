package viewers

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/check"
	"pumpd/bench/sock"
	"pumpd/codec"
)

const (
	maxHead     = 16384    // bytes of an answer's head
	maxSlowRead = 64 << 10 // bytes that a slow viewer may save up
)

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
		no := newRejection(&r, v.head[:n], w.now)
		if w.leads(no) {
			return w.follow(v, no)
		}
		err = no
	}
	if err != nil || v.describe {
		return err
	}
	return w.startStream(v, v.head[n:])
}

// startStream makes a viewer one that watches. rest is what came behind the head.
func (w *Worker) startStream(v *viewer, rest []byte) error {
	w.enter(v)
	w.tally.admitted.Add(1)
	v.head = nil
	if v.role != Crowd {
		v.check = w.newChecker(v)
	}
	if v.role == Slow {
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil); err != nil {
			return err
		}
	}
	w.count(v, rest, len(rest))
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
		return w.received(v, nil, n)
	}
	n, err := v.receive(w.buf)
	if err != nil {
		return err
	}
	w.now = time.Now() // others of this batch took their time
	return w.received(v, w.buf[:n], n)
}

// received accounts for n bytes; none is the end.
func (w *Worker) received(v *viewer, b []byte, n int) error {
	if n == 0 {
		return errEnd
	}
	w.count(v, b, n)
	return nil
}

// count counts n bytes of stream and, where there is a checker, checks them.
func (w *Worker) count(v *viewer, b []byte, n int) {
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
	if v.check == nil {
		return
	}
	v.check.Feed(b)
	if !v.shown && v.check.Findings().Keys > 0 {
		v.shown = true
		w.clock.Picture(v.herd, w.now.Sub(v.born))
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
		if err := w.received(v, w.buf[:n], n); err != nil {
			return err
		}
		v.credit -= float64(n)
	}
	return nil
}
