package attack

import (
	"context"
	"net"

	"pumpd/bench/peers"
)

// tlsReset: clients that are gone before the pump has signed its answer.
var tlsReset = Kind{
	Name:  "tls-reset",
	About: "a whole ClientHello, then RST, up to 1,000 a second",
	Setup: peers.Setup{TLS: true},
	Run: func(ctx context.Context, v Victim, log *Log) error {
		if v.Secure == "" {
			return errNoTLS
		}
		all, err := hello()
		if err != nil {
			return err
		}
		const most = 256 // that wait to be connected
		pace(ctx, v.scaled(1000), most, func() {
			err := once(ctx, v.Secure, 0, log, func(conn *net.TCPConn) error {
				if _, err := conn.Write(all); err != nil {
					return err
				}
				log.sent(1)
				return conn.SetLinger(0)
			})
			if err != nil && ctx.Err() == nil {
				log.ended(err)
			}
		})
		return nil
	},
}
