package server

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the kernel is told about clients' sockets. gnet has no way to set most of it on listeners, from which accepted
// sockets inherit, so it is set on each of them.

const (
	// Bytes that the kernel holds unsent for a viewer: a round of 2 Mbit/s. By default 3 MB pile up for one that stalls.
	notSentLowat = 64 << 10
	userTimeout  = 30_000 // ms that sent data may stay unacknowledged before the kernel gives the peer up
)

var socketOptions = []struct {
	name              string
	level, opt, value int
}{
	{"TCP_NOTSENT_LOWAT", unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat},
	{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout},
	{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
	{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
	{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
}

// setOptions sets them on a socket, or on a listener whose connections inherit them.
func setOptions(fd int) error {
	for _, o := range socketOptions {
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return fmt.Errorf("%s: %w", o.name, os.NewSyscallError("setsockopt", err))
		}
	}
	return nil
}

// listenerOptions is setOptions for package net.
func listenerOptions(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) { failed = setOptions(int(fd)) })
	return errors.Join(err, failed)
}
