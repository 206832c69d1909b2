package server

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"pumpd/server/handover"
)

// Listening sockets move to another process with the connections that wait in their queues: so none of those is ever
// refused or reset, and an address that only root could open stays open. gnet opens its listeners by itself. There it
// opens them on stand-ins, addresses of loopback that nobody knows, and then each is exchanged for one that has moved:
//
//	gnet's epoll ── descriptor 9 ── stand-in          dup3: descriptor 9 is the moved one now
//	                              ╳ moved listener    epoll: is told so

// A movedListener is the sockets of one address. They come with it, in order.
type movedListener struct {
	Role    role
	Address string         // as configured
	At      netip.AddrPort // where that is
	Sockets int
}

// A role is what a listener is for.
type role uint8

const (
	rolePlain role = iota // gnet's, of listen
	roleOwn               // ours, of listen
	roleTLS               // ours, of tls.listen
	roleAdmin             // the admin's, or agent_check's
	roles
)

// listening is the descriptors of this process that listen on an address, with TCP.
func listening(at netip.AddrPort) (fds []int, err error) {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	for _, entry := range open {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || n == 0 {
			continue
		}
		if addressOfSocket(fd) == at {
			fds = append(fds, fd)
		}
	}
	return fds, nil
}

// A gnetListener is one of gnet's, and the epoll of its loop.
type gnetListener struct{ fd, epoll int }

// swap has gnet listen on the sockets that have moved here. Where it has more loops than there are sockets some share
// one. What it has no loop for it leaves to the caller.
func (in *standIn) swap() (left []int, err error) {
	for i, l := range in.gnets {
		if err := l.swap(in.sockets[i%len(in.sockets)]); err != nil {
			return in.sockets, err
		}
	}
	used := min(len(in.gnets), len(in.sockets))
	handover.CloseAll(in.sockets[:used])
	return in.sockets[used:], nil
}

// swap makes gnet's descriptor mean another socket. The kernel takes the stand-in out of the epoll; gnet knows its
// listeners by descriptor, and goes on with what that is now.
func (l gnetListener) swap(socket int) error {
	if err := unix.Dup3(socket, l.fd, unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("dup3", err)
	}
	event := unix.EpollEvent{Fd: int32(l.fd), Events: acceptEvents}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, l.fd, &event))
}

// acceptEvents are what gnet has its listeners waited for.
const acceptEvents = unix.EPOLLIN | unix.EPOLLPRI

// epollOf is the epoll that waits for a descriptor, see proc(5).
func epollOf(fd int) (epoll int, err error) {
	open, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		return 0, err
	}
	for _, name := range open {
		if waitsFor(name, fd) {
			return strconv.Atoi(filepath.Base(name))
		}
	}
	return 0, fmt.Errorf("no epoll waits for descriptor %d", fd)
}

// waitsFor says whether the file has a line "tfd: 9 events: ...".
func waitsFor(name string, fd int) bool {
	f, err := os.Open(name)
	if err != nil {
		return false // it is closed by now
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == "tfd:" && fields[1] == strconv.Itoa(fd) {
			return true
		}
	}
	return false
}

// listenerOf makes a listener of package net of a socket, which it closes.
func listenerOf(socket int) (net.Listener, error) {
	f := os.NewFile(uintptr(socket), "listener")
	defer f.Close()
	return net.FileListener(f)
}

// duplicate is another descriptor of the socket of a listener or a connection of package net. Its File would make both
// block.
func duplicate(socket any) (fd int, err error) {
	of, ok := socket.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T has no descriptor", socket)
	}
	raw, err := of.SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	err = raw.Control(func(of uintptr) { fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, failed)
}
