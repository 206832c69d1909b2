package attack

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"

	"pumpd/bench/peers"
)

// unreadLog: what makes the pump say a lot, while nobody reads what it says.
var unreadLog = Kind{
	Name:  "log",
	About: "a log that nobody reads, at debug, while 200 a second join and leave or are refused",
	Setup: peers.Setup{Settings: []string{`log_level = "debug"`}, Unread: true},
	Own:   true,
	Run: func(ctx context.Context, v Victim, log *Log) error {
		pace(ctx, v.scaled(200), maxOpen/4, func() {
			err := once(ctx, v.Plain, 0, log, func(conn *net.TCPConn) error { return v.say(conn, log) })
			if err != nil && ctx.Err() == nil {
				log.ended(err)
			}
		})
		return nil
	},
}

// say is a viewer who leaves at the first byte, or one who is refused.
func (v Victim) say(conn net.Conn, log *Log) error {
	const viewer = "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
	requests := []string{
		fmt.Sprintf(viewer, v.Path, v.Plain),
		fmt.Sprintf(viewer, v.Path+fmt.Sprintf("-absent%d", rand.IntN(1000)), v.Plain),
		fmt.Sprintf("GARBAGE %d\r\n\r\n", rand.IntN(1000)),
	}
	if _, err := conn.Write([]byte(requests[rand.IntN(len(requests))])); err != nil {
		return err
	}
	log.sent(1)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil {
		var status int
		if _, err = fmt.Sscanf(line, "HTTP/1.%d %d", new(int), &status); err == nil {
			log.answered(status)
		}
	}
	return err
}
