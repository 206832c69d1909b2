package server

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A watcher tells a loop which blocked viewers can go on: gnet has no callback for that. It is an epoll instance of its
// own in which each descriptor is armed for one event at a time; the kernel forgets a descriptor when it is closed.
type watcher struct {
	epoll, wake int
	tell        func(fds []int32) // on the watcher's goroutine
	done        chan struct{}
}

// arming is what a loop needs of its watcher; tests have one without descriptors.
type arming interface {
	arm(v *viewer) error
	close()
}

func newWatcher(tell func(fds []int32)) (*watcher, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	w := &watcher{epoll: epoll, wake: wake, tell: tell, done: make(chan struct{})}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &ev); err != nil {
		unix.Close(epoll)
		unix.Close(wake)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	go w.run()
	return w, nil
}

// arm asks for one call of tell when v's socket can take something. On v's loop only.
func (w *watcher) arm(v *viewer) error {
	op := unix.EPOLL_CTL_MOD
	if !v.watched {
		op = unix.EPOLL_CTL_ADD
	}
	ev := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: v.fd}
	if err := unix.EpollCtl(w.epoll, op, int(v.fd), &ev); err != nil {
		return fmt.Errorf("descriptor %d: %w", v.fd, os.NewSyscallError("epoll_ctl", err))
	}
	v.watched = true
	return nil
}

func (w *watcher) run() {
	defer close(w.done)
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(w.epoll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return // closed
		}
		fds := make([]int32, 0, n)
		for _, ev := range events[:n] {
			if int(ev.Fd) == w.wake {
				return
			}
			fds = append(fds, ev.Fd)
		}
		w.tell(fds)
	}
}

func (w *watcher) close() {
	one := [8]byte{1}
	unix.Write(w.wake, one[:])
	<-w.done
	unix.Close(w.epoll)
	unix.Close(w.wake)
}
