package main

import (
	"fmt"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A target is an address that viewers connect to, and where from.
type target struct {
	to     unix.Sockaddr
	family int
	from   []unix.Sockaddr // taken in turn; empty: the kernel chooses
}

// newTarget resolves host:port. For a loopback address viewers come from sources addresses 127.0.0.2 and up, since one
// address has less than 30,000 ports to one server, and servers may limit viewers per address.
func newTarget(hostport string, sources int) (target, error) {
	addr, err := net.ResolveTCPAddr("tcp", hostport)
	if err != nil {
		return target{}, err
	}
	ip4 := addr.IP.To4()
	if ip4 == nil {
		return target{to: &unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())}, family: unix.AF_INET6}, nil
	}
	t := target{to: &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip4)}, family: unix.AF_INET}
	if !addr.IP.IsLoopback() {
		return t, nil
	}
	if sources < 1 || sources > 250 {
		return target{}, fmt.Errorf("sources: %d, allowed 1 to 250", sources)
	}
	for i := range sources {
		t.from = append(t.from, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i)}})
	}
	return t, nil
}

// own is a copy for one goroutine: a Sockaddr keeps what it last was turned into, so it must not be shared.
func (t *target) own() *target {
	c := &target{family: t.family}
	switch to := t.to.(type) {
	case *unix.SockaddrInet4:
		c.to = &unix.SockaddrInet4{Port: to.Port, Addr: to.Addr}
	case *unix.SockaddrInet6:
		c.to = &unix.SockaddrInet6{Port: to.Port, Addr: to.Addr}
	}
	for _, from := range t.from {
		c.from = append(c.from, &unix.SockaddrInet4{Addr: from.(*unix.SockaddrInet4).Addr})
	}
	return c
}

// dial begins a connection that does not block; it is up, or has failed, when epoll says that it is writable. turn chooses
// the source address. rcvbuf is in bytes, 0 leaves it to the kernel.
func (t *target) dial(turn, rcvbuf int) (int, error) {
	fd, err := unix.Socket(t.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if len(t.from) > 0 {
		// The port is chosen at connect, when the peer is known: then one port serves several peers.
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, t.from[turn%len(t.from)]); err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("bind", err)
		}
	}
	if rcvbuf > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, rcvbuf)
	}
	if err := unix.Connect(fd, t.to); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// connected gives the outcome of a connection that has become writable.
func connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}

// receive is recv(2) that never blocks. 0 bytes without an error: the peer has closed.
func receive(fd int, b []byte) (int, error) { return rawReceive(fd, b, unix.MSG_DONTWAIT) }

// discard drops up to len(b) bytes inside the kernel; b is not written to.
func discard(fd int, b []byte) (int, error) {
	return rawReceive(fd, b, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// rawReceive skips the scheduler's bookkeeping: the call never blocks, and there are tens of thousands a second.
func rawReceive(fd int, b []byte, flags int) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(flags), 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// transmit is send(2) that never blocks and raises no signal.
func transmit(fd int, b []byte) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}
}

// hangUp closes without leaving the port in TIME_WAIT, which matters when thousands go at once.
func hangUp(fd int) {
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// peerClosed says whether the other side has closed or reset a connection that nobody reads.
func peerClosed(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	const established = 1
	return err != nil || info.State != established
}

// raiseFiles raises the limit of open files to its hard value and says whether need descriptors fit.
func raiseFiles(need int) error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return os.NewSyscallError("setrlimit", err)
	}
	const own = 64 // epoll, listeners, pipes, the runtime's own
	if uint64(need+own) > lim.Max {
		return fmt.Errorf("%d viewers need %d descriptors, the hard limit is %d: raise it (ulimit -Hn, limits.conf, LimitNOFILE= or docker --ulimit nofile) or use several load processes",
			need, need+own, lim.Max)
	}
	return nil
}
