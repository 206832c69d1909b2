package viewers

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"pumpd/bench/sock"
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

// described goes on to Play on a new connection, as players do.
func (w *Worker) described(v *viewer) error {
	unix.Close(v.fd)
	v.describe, v.head = false, nil
	w.open(v)
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
