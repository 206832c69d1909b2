package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"

	"pumpd/server/config"
)

// Each of gnet's event loops has a socket of its own on every address, which SO_REUSEPORT lets them share. It would let
// a second pumpd share it too, unnoticed, and on port 0 each loop would have another port. So every address is booked
// first:
//
//	bind without SO_REUSEPORT ─▶ look which port it is ─▶ set SO_REUSEPORT ─▶ gnet listens ─▶ close
//
// Nobody else can book the address from then on, and no connection ever waits at the booking: it does not listen.

// A booking is an address that is ours until gnet has it.
type booking struct {
	fd   int
	at   netip.AddrPort
	name string // for gnet
}

// A plainAddress is one of listen for which gnet has listeners.
type plainAddress struct {
	address  string // as configured
	bookings []booking
}

// book books the plain addresses. An error names the key of the configuration and the address.
func (s *Server) book() (all []booking, err error) {
	for i, a := range s.config().Server.Listen {
		some, err := s.bookListen(a)
		if err != nil {
			unbook(all)
			return nil, fmt.Errorf("%s: %w", config.Item("server.listen", i), explainDenied(err))
		}
		all = append(all, some...)
	}
	return all, nil
}

// bookListen books one address of listen for gnet. What the process before has not left to us is for a listener of our
// own, as after a reload: gnet's would accept while nothing is ours yet.
func (s *Server) bookListen(a string) (some []booking, err error) {
	switch {
	case s.before == nil:
		some, err = bookAddress(a)
		s.booked = append(s.booked, plainAddress{a, some})
	case s.before.has(a):
		var of plainAddress
		some, of, err = s.before.bookStandIns(a)
		s.booked = append(s.booked, of)
	default:
		err = s.listenOwn(a, roleOwn)
	}
	return some, err
}

// listenOwn opens an address with a listener of ours, or has it from the process before.
func (s *Server) listenOwn(a string, r role) error {
	socket, moved := s.before.takeSocket(r, a)
	if !moved {
		l, err := openListener(a, r == roleTLS, s.budget)
		if err == nil {
			s.listeners = append(s.listeners, l)
		}
		return err
	}
	l, err := listenerOf(socket)
	if err == nil {
		s.listeners = append(s.listeners, newListener(l, a, r == roleTLS, s.budget))
	}
	return err
}

// unbook gives bookings up.
func unbook(all []booking) {
	for _, b := range all {
		unix.Close(b.fd)
	}
}

// bookAddress books host:port. All addresses of the machine are one booking, without IPv6 where there is none, or two
// where the system wants sockets to have one family.
func bookAddress(a string) ([]booking, error) {
	host, port, err := net.SplitHostPort(a)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		b, err := bookOne(a)
		return []booking{b}, err
	}
	const everyIPv4 = "0.0.0.0"
	b, err := bookOne(":" + port) // "[::]" is IPv6 alone to gnet
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
		b, err = bookOne(net.JoinHostPort(everyIPv4, port))
		return []booking{b}, err
	}
	if err != nil {
		return nil, err
	}
	only, err := unix.GetsockoptInt(b.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	if err != nil || only == 0 {
		return []booking{b}, nil
	}
	four, err := bookOne(netip.AddrPortFrom(netip.IPv4Unspecified(), b.at.Port()).String())
	if err != nil {
		unbook([]booking{b})
		return nil, err
	}
	return []booking{b, four}, nil
}

// bookOne books what gnet understands by an address.
func bookOne(a string) (b booking, err error) {
	to, family, addr, onlyIPv6, err := socket.GetTCPSockAddr("tcp", a)
	if err != nil {
		return b, err
	}
	if b.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return b, listenError(addr, "socket", err)
	}
	if err = b.bind(to, onlyIPv6); err != nil {
		unix.Close(b.fd)
		return b, listenError(addr, "bind", err)
	}
	if err = setOptions(b.fd); err != nil {
		unix.Close(b.fd)
		return b, err
	}
	addr.Port = int(addressOfSocket(b.fd).Port())
	b.name = "tcp://" + addr.String()
	ip := netip.IPv6Unspecified()
	if addr.IP != nil {
		ip = addr.AddrPort().Addr().Unmap()
	}
	b.at = netip.AddrPortFrom(ip, uint16(addr.Port))
	return b, nil
}

// bind takes the address for this socket alone, and lets gnet's in.
func (b *booking) bind(to unix.Sockaddr, onlyIPv6 bool) error {
	set := func(level, option, value int) error { return unix.SetsockoptInt(b.fd, level, option, value) }
	if onlyIPv6 {
		if err := set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
	}
	err := unix.Bind(b.fd, to)
	if err == unix.EADDRINUSE { // by connections of a process before us: with SO_REUSEADDR they are no hindrance
		_ = set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		err = unix.Bind(b.fd, to)
		_ = set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) // nor would we be to another booking
	}
	if err != nil {
		return err
	}
	return set(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// abandon closes gnet's listeners on an address; gnet has no way to do so. Each of its descriptors is made to mean
// another socket, in one step: the kernel then closes the listener, and forgets it in epoll, and gnet goes on with a
// descriptor of which it never hears again. The other socket listens as well, where nobody connects: gnet may be about
// to accept on that descriptor, and "nobody there" is the only answer that does not end it.
func abandon(a plainAddress) error {
	stub, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(stub)
	if err := unix.Bind(stub, &unix.SockaddrUnix{}); err != nil { // a name that the kernel makes up
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(stub, 1); err != nil {
		return os.NewSyscallError("listen", err)
	}
	for _, b := range a.bookings {
		fds, err := listening(b.at)
		if err != nil {
			return err
		}
		for _, fd := range fds {
			if err := unix.Dup3(stub, fd, unix.O_CLOEXEC); err != nil {
				return os.NewSyscallError("dup3", err)
			}
		}
	}
	return nil
}

// addressOfSocket is what a socket is bound to, not valid for one that is not of TCP.
func addressOfSocket(fd int) netip.AddrPort {
	at, _ := unix.Getsockname(fd)
	switch at := at.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(at.Addr).Unmap(), uint16(at.Port))
	}
	return netip.AddrPort{}
}

// listenError says it as package net does.
func listenError(addr net.Addr, call string, err error) error {
	return &net.OpError{Op: "listen", Net: "tcp", Addr: addr, Err: os.NewSyscallError(call, err)}
}
