package server

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// A watcher tells a loop whose sockets have room again after they were full, for which gnet has no callback. It is an
// epoll instance of its own beside gnet's; the kernel forgets a descriptor when it is closed.
type watcher struct {
	epoll, wake int
	tell        func([]unix.EpollEvent) // on the watcher's goroutine; the events are its callee's
	done        chan struct{}
}

// arming is what a loop needs of its watcher; tests have one without descriptors.
type arming interface {
	arm(fd int32) error
	close()
}

func newWatcher(tell func([]unix.EpollEvent)) (*watcher, error) {
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

// arm asks to be told, once, when fd has room or is dead, also if that is so already. On the loop of fd's conn only.
func (w *watcher) arm(fd int32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: fd}
	err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, int(fd), &ev)
	if err == unix.ENOENT {
		err = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, int(fd), &ev)
	}
	if err != nil {
		return fmt.Errorf("descriptor %d: %w", fd, os.NewSyscallError("epoll_ctl", err))
	}
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
		if slices.ContainsFunc(events[:n], func(ev unix.EpollEvent) bool { return int(ev.Fd) == w.wake }) {
			return
		}
		w.tell(slices.Clone(events[:n]))
	}
}

func (w *watcher) close() {
	one := [8]byte{1}
	unix.Write(w.wake, one[:])
	<-w.done
	unix.Close(w.epoll)
	unix.Close(w.wake)
}
