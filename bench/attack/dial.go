package attack

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// On loopback attackers come from 127.0.1.2 and up, honest viewers from 127.0.0.2 and up, so that what a pump does to
// one address does not hit the others.
const sources = 16

const dialTimeout = 5 * time.Second

// turn is of source addresses.
var turn atomic.Uint32

// dial makes a connection that ends with ctx. rcvbuf is in bytes, 0 leaves it to the kernel.
func dial(ctx context.Context, addr string, rcvbuf int, log *Log) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			// The port is chosen at connect: there are not enough for all connections that were.
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			if rcvbuf > 0 {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, rcvbuf)
			}
		})
	}}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		if ip := net.ParseIP(host).To4(); ip != nil && ip.IsLoopback() {
			d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(2+turn.Add(1)%sources))}
		}
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	log.connected()
	return conn.(*net.TCPConn), nil
}

// keep has n connections all the time until ctx is done: use gets each, and when it returns there is another. They
// begin over warmUp. use's error tells how the connection ended.
func keep(ctx context.Context, n int, addr string, rcvbuf int, log *Log, use func(*net.TCPConn) error) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for wait(ctx, warmUp*time.Duration(i)/time.Duration(n)); ctx.Err() == nil; {
				if err := once(ctx, addr, rcvbuf, log, use); err != nil && ctx.Err() == nil {
					log.ended(err)
				}
			}
		})
	}
	all.Wait()
}

const (
	warmUp     = time.Second
	retryPause = 20 * time.Millisecond // after a connection that could not be made
)

// once makes one connection, for use.
func once(ctx context.Context, addr string, rcvbuf int, log *Log, use func(*net.TCPConn) error) error {
	conn, err := dial(ctx, addr, rcvbuf, log)
	if err != nil {
		wait(ctx, retryPause)
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return use(conn)
}

// pace starts f so many times a second until ctx is done, each on a goroutine of its own and at most most at once, and
// waits for all.
func pace(ctx context.Context, perSecond, most int, f func()) {
	const step = 10 * time.Millisecond
	var all sync.WaitGroup
	places := make(chan struct{}, most)
	var due float64
	for last := time.Now(); ctx.Err() == nil; wait(ctx, step) {
		now := time.Now()
		due = min(due+now.Sub(last).Seconds()*float64(perSecond), float64(perSecond)) // no more than a second late
		for last = now; due >= 1 && ctx.Err() == nil; due-- {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				continue
			}
			all.Go(func() {
				defer func() { <-places }()
				f()
			})
		}
	}
	all.Wait()
}

// wait is for d, or less if ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
