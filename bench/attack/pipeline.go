package attack

import (
	"bufio"
	"bytes"
	"context"
	"net"
)

// pipeline: clients that never wait for an answer before they ask again, and read all.
var pipeline = Kind{
	Name:  "pipeline",
	About: "400 connections with 16 Describes on their way each, as fast as they are answered",
	Run: func(ctx context.Context, v Victim, log *Log) error {
		request := append(v.describeHead(), "\r\n"...)
		keep(ctx, v.scaled(400), v.Plain, 0, log, func(conn *net.TCPConn) error {
			return askAhead(conn, request, log)
		})
		return nil
	},
}

// askAhead keeps many requests on their way; half of them are sent anew when half were answered.
func askAhead(conn net.Conn, request []byte, log *Log) error {
	const half = 8
	requests := bytes.Repeat(request, half)
	send := func() error {
		_, err := conn.Write(requests)
		if err == nil {
			log.sent(half)
		}
		return err
	}
	if err := send(); err != nil {
		return err
	}
	for r := bufio.NewReader(conn); ; {
		if err := send(); err != nil {
			return err
		}
		for range half {
			if last, err := readAnswer(r, log); last {
				return err
			}
		}
	}
}
