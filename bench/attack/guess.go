package attack

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"

	"pumpd/bench/peers"
)

// guess: who tries passwords.
var guess = Kind{
	Name:  "guess",
	About: "32 connections from 16 addresses that guess an encoder's password (Basic), as fast as they are answered",
	Setup: peers.Setup{Guarded: true},
	Run: func(ctx context.Context, v Victim, log *Log) error {
		keep(ctx, v.scaled(32), v.Plain, 0, log, func(conn *net.TCPConn) error {
			for r := bufio.NewReader(conn); ; {
				if _, err := conn.Write(v.guessRequest()); err != nil {
					return err
				}
				log.sent(1)
				if last, err := readAnswer(r, log); last {
					return err
				}
			}
		})
		return nil
	},
}

// guessRequest sets up a push with a password that nobody has.
func (v Victim) guessRequest() []byte {
	const body = "AutoDestroy: 1\r\n"
	credentials := base64.StdEncoding.EncodeToString([]byte("bench:" + rand.Text()))
	return fmt.Appendf(nil, "POST %s_push HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-wms-pushsetup\r\n"+
		"User-Agent: %s\r\nContent-Length: %d\r\nConnection: Keep-Alive\r\nCookie: push-id=0\r\n"+
		"Authorization: Basic %s\r\n\r\n%s", v.Path, v.Plain, encoderAgent, len(body), credentials, body)
}
