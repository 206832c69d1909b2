package viewers

import (
	"context"
	"crypto/tls"

	"golang.org/x/sys/unix"
)

// startHandshake begins the handshake of a viewer that is connected. Until it is over the descriptor belongs to its
// goroutine.
func (w *Worker) startHandshake(v *viewer) error {
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, v.fd, nil); err != nil {
		return err
	}
	fd, config, limit := v.fd, v.site.secure, v.born.Add(w.opt.Patience)
	v.fd, v.phase = -1, handshaking
	w.handshakes.Go(func() {
		ctx, cancel := context.WithDeadline(w.ctx, limit)
		defer cancel()
		conn, err := handshake(ctx, fd, config)
		w.post(func() { w.handshaken(v, fd, conn, err) })
	})
	return nil
}

// handshaken goes on after the handshake, unless the viewer was given up meanwhile.
func (w *Worker) handshaken(v *viewer, fd int, conn *tls.Conn, err error) {
	if w.stop || v.phase != handshaking {
		unix.Close(fd)
		return
	}
	v.fd, v.tls = fd, conn
	if err == nil {
		err = w.request(v, unix.EPOLL_CTL_ADD)
	}
	if err != nil {
		w.fail(v, err)
	}
}
