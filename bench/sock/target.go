package sock

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// A Target is an address that viewers connect to, and where from.
type Target struct {
	to     unix.Sockaddr
	family int
	from   []unix.Sockaddr // taken in turn; empty: the kernel chooses
}

// NewTarget resolves host:port. For a loopback address viewers come from sources addresses 127.0.0.2 and up, since one
// address has less than 30,000 ports to one server, and servers may limit viewers per address.
func NewTarget(hostport string, sources int) (Target, error) {
	addr, err := net.ResolveTCPAddr("tcp", hostport)
	if err != nil {
		return Target{}, err
	}
	ip4 := addr.IP.To4()
	if ip4 == nil {
		return Target{to: &unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())}, family: unix.AF_INET6}, nil
	}
	t := Target{to: &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip4)}, family: unix.AF_INET}
	if !addr.IP.IsLoopback() {
		return t, nil
	}
	if sources < 1 || sources > 250 {
		return Target{}, fmt.Errorf("sources: %d, allowed 1 to 250", sources)
	}
	for i := range sources {
		t.from = append(t.from, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i)}})
	}
	return t, nil
}

// Clone is a copy for one goroutine: a Sockaddr keeps what it last was turned into, so it must not be shared.
func (t *Target) Clone() *Target {
	c := &Target{family: t.family}
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

// Dial begins a connection that does not block; it is up, or has failed, when epoll says that it is writable. turn
// chooses the source address. rcvbuf is in bytes, 0 leaves it to the kernel.
func (t *Target) Dial(turn, rcvbuf int) (int, error) {
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

// Connected gives the outcome of a connection that has become writable.
func Connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}
