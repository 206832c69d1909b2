package attack

import (
	"context"
	"io"
	"net"

	"pumpd/bench/peers"
)

// tlsHalf: clients that begin to say hello and fall silent.
var tlsHalf = Kind{
	Name:  "tls-half",
	About: "130 half ClientHellos a second, held until the pump closes them",
	Setup: peers.Setup{TLS: true},
	Run: func(ctx context.Context, v Victim, log *Log) error {
		if v.Secure == "" {
			return errNoTLS
		}
		all, err := hello()
		if err != nil {
			return err
		}
		pace(ctx, v.scaled(130), maxOpen, func() {
			err := once(ctx, v.Secure, 0, log, func(conn *net.TCPConn) error {
				if _, err := conn.Write(all[:len(all)/2]); err != nil {
					return err
				}
				log.sent(1)
				if _, err := io.Copy(io.Discard, conn); err != nil {
					return err
				}
				return io.EOF
			})
			if ctx.Err() == nil {
				log.ended(err)
			}
		})
		return nil
	},
}
