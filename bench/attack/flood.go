package attack

import (
	"context"
	"crypto/tls"
	"net"

	"pumpd/bench/peers"
)

// Those who come, and are gone.
var (
	connects = Kind{
		Name:  "connect",
		About: "up to 5,000 connections a second that are reset at once",
		Run: func(ctx context.Context, v Victim, log *Log) error {
			const most = 256 // that wait to be connected
			pace(ctx, v.scaled(5000), most, func() {
				err := once(ctx, v.Plain, 0, log, func(conn *net.TCPConn) error { return conn.SetLinger(0) })
				if err != nil && ctx.Err() == nil {
					log.ended(err)
				}
			})
			return nil
		},
	}
	tlsFlood = Kind{
		Name:  "tls-flood",
		About: "64 connections that finish a handshake, go and come again, as fast as the pump signs",
		Setup: peers.Setup{TLS: true},
		Run: func(ctx context.Context, v Victim, log *Log) error {
			if v.Secure == "" {
				return errNoTLS
			}
			keep(ctx, v.scaled(64), v.Secure, 0, log, func(conn *net.TCPConn) error {
				log.sent(1)
				return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
			})
			return nil
		},
	}
)
